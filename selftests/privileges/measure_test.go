//go:build !race && linux

package privileges

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// outcome is what came of an operation: nothing, or an error.
type outcome struct {
	Operation string
	Errno     string // its name, or "" for success; "refused" if there is none
	Text      string // of the error, in one line
	Names     bool   // the error is a failed operation's: it names the operation
}

// A child has the condition's name and its step in its environment.
const (
	conditionVariable = "LIBBPF_GO_PRIVILEGES_CONDITION"
	stepVariable      = "LIBBPF_GO_PRIVILEGES_STEP"
)

// The descriptors that a child has.
const (
	reportFD = 3 + iota
	cgroupFD
	objectsFD // the folder with the objects
	socketFD  // where it has a user namespace: for the file system of the token
)

// measure runs all operations in a process of the condition.
func measure(t *testing.T, c condition) ([]outcome, *missing) {
	t.Helper()
	testutil.Root(t)
	folder := t.TempDir()
	for dir := folder; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		testutil.Check(t, os.Chmod(dir, 0o755))
	}
	for _, name := range []string{"bpf", "pinned"} {
		testutil.Check(t, os.Mkdir(filepath.Join(folder, name), 0o755))
	}
	copyBinary(t, filepath.Join(folder, "privileges"))
	if c.unprivileged != "" {
		testutil.Check(t, os.WriteFile(unprivilegedSysctl, []byte(c.unprivileged), 0))
	}
	cgroup := testutil.NewCgroup(t)
	objects, err := os.Open(filepath.Dir(testutil.Object(t, "smallest")))
	testutil.Check(t, err)
	defer objects.Close()
	report, theirs, err := os.Pipe()
	testutil.Check(t, err)
	defer report.Close()
	defer theirs.Close()

	cmd := exec.Command(filepath.Join(folder, "privileges"), "-test.run=^$")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), conditionVariable+"="+c.name, stepVariable+"=enter",
		"LIBBPF_GO_PRIVILEGES_FOLDER="+folder)
	cmd.ExtraFiles = []*os.File{theirs, cgroup.File, objects}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	socket := -1
	var other *os.File
	if c.namespace {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		testutil.Check(t, err)
		socket = pair[0]
		defer unix.Close(socket)
		other = os.NewFile(uintptr(pair[1]), "socket")
		defer other.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, other)
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		const nobody = 65534
		mapping := []syscall.SysProcIDMap{{ContainerID: 0, HostID: nobody, Size: 1}}
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = mapping, mapping
		cmd.SysProcAttr.Credential = &syscall.Credential{NoSetGroups: true} // user 0 there
	}
	if c.memory != "" {
		if why := limitMemory(t, cgroup, c.memory); why != nil {
			return nil, why
		}
	}
	// Its parent's death ends the child: the parent is this thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil && c.namespace && testutil.Refused(err) {
		return nil, &missing{"user-namespaces", err}
	} else {
		testutil.Check(t, err)
	}
	limit := time.AfterFunc(3*time.Minute, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	testutil.Check(t, theirs.Close())
	if c.namespace {
		testutil.Check(t, other.Close()) // so that the end of the child is seen
		if err := delegate(socket, c.token); err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return nil, &missing{"bpf-tokens", fmt.Errorf("%w: %s", err, said.String())}
		}
	}
	lines, err := io.ReadAll(report)
	if waited := cmd.Wait(); err != nil || waited != nil {
		t.Fatalf("%s: %v, %v\n%s", c.name, err, waited, said.Bytes())
	}
	var outcomes []outcome
	for line := range bytes.Lines(lines) {
		var o outcome
		testutil.Check(t, json.Unmarshal(line, &o))
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// missing is why a condition can't be measured here.
type missing struct {
	feature string
	cause   error
}

func copyBinary(t *testing.T, to string) {
	t.Helper()
	from, err := os.Open("/proc/self/exe")
	testutil.Check(t, err)
	defer from.Close()
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	testutil.Check(t, err)
	_, err = io.Copy(file, from)
	testutil.Check(t, errors.Join(err, file.Close()))
}

// limitMemory makes the cgroup one with a limit, in which the child puts itself.
func limitMemory(t *testing.T, cgroup *testutil.Cgroup, limit string) *missing {
	t.Helper()
	controllers := filepath.Join(filepath.Dir(cgroup.Name()), "cgroup.subtree_control")
	if text, err := os.ReadFile(controllers); err != nil || !strings.Contains(string(text), "memory") {
		// It would remain, for all who share the machine.
		if !inGuest() {
			return &missing{"memory-cgroup", errors.New("cgroups of version 2 have no controller for memory")}
		}
		testutil.Check(t, os.WriteFile(controllers, []byte("+memory"), 0))
	}
	testutil.Check(t, os.WriteFile(filepath.Join(cgroup.Name(), "memory.max"), []byte(limit), 0))
	return nil
}

// inChild runs the step of a child, and does not return there.
func inChild() {
	name := os.Getenv(conditionVariable)
	if name == "" {
		return
	}
	var err error
	switch c := conditionNamed(name); os.Getenv(stepVariable) {
	case "enter":
		runtime.LockOSThread()
		if c.memory != "" {
			err = writeAt(cgroupFD, "cgroup.procs", fmt.Sprint(os.Getpid()))
		}
		if err == nil {
			err = c.enter()
		}
		if err == nil {
			err = enterInside()
		}
	default:
		err = inside(c)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func writeAt(directory int, name, text string) error {
	fd, err := unix.Openat(directory, name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(text))
	return err
}

// inside runs all operations, and reports what came of each.
func inside(c condition) error {
	w := &world{condition: c}
	if c.namespace {
		if err := w.takeFileSystem(); err != nil {
			return err
		}
	}
	report := json.NewEncoder(os.NewFile(reportFD, "report"))
	locks := c.memlock != 0 && w.mapsAreLocked()
	for _, o := range operations {
		err := o.run(w)
		w.close()
		// What was closed counts as locked until the kernel has freed it, a little later.
		for i := 0; locks && errors.Is(err, unix.EPERM) && i < 20; i++ {
			time.Sleep(50 * time.Millisecond)
			err = o.run(w)
			w.close()
		}
		if err := report.Encode(outcomeOf(o.name, err)); err != nil {
			return err
		}
	}
	return nil
}

// mapsAreLocked tells whether the memory of maps counts as locked, as before Linux 5.11.
func (w *world) mapsAreLocked() bool {
	_, err := w.newMap(libbpf.MapTypeArray, 4, 2*smallMemlock, 1, libbpf.MapCreateOptions{})
	w.close()
	return errors.Is(err, unix.EPERM)
}

func outcomeOf(operation string, err error) outcome {
	o := outcome{Operation: operation}
	if err == nil {
		return o
	}
	o.Errno = "refused"
	var errno syscall.Errno
	if errors.As(err, &errno) {
		o.Errno = unix.ErrnoName(errno)
	}
	if errno == 524 {
		o.Errno = "ENOTSUPP"
	}
	o.Text = oneLine(err.Error())
	o.Names = namesOperation(err)
	return o
}

// oneLine leaves out what differs from run to run.
func oneLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	text = strings.ReplaceAll(text, folder(), "DIR")
	return numbers.ReplaceAllString(text, "${1}N")
}

// The file system of a token is opened by a process in the user namespace, and delegated by a privileged one outside.

// takeFileSystem opens a bpf file system, and mounts it when the parent has chosen what it delegates.
func (w *world) takeFileSystem() error {
	fs, err := unix.Fsopen("bpf", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open a file system: %w", err)
	}
	defer unix.Close(fs)
	if err := unix.Sendmsg(socketFD, []byte{0}, unix.UnixRights(fs), nil, 0); err != nil {
		return err
	}
	answer := make([]byte, 1)
	for err = unix.EINTR; err == unix.EINTR; {
		_, err = unix.Read(socketFD, answer)
	}
	if err != nil {
		return err
	}
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make a mount: %w", err)
	}
	defer unix.Close(mount)
	return unix.MoveMount(mount, "", unix.AT_FDCWD, writableFS(), unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// delegate answers takeFileSystem.
func delegate(socket int, everything bool) error {
	if err := unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 60}); err != nil {
		return err
	}
	control := make([]byte, unix.CmsgSpace(4))
	n, err := 0, error(unix.EINTR)
	for err == unix.EINTR {
		_, n, _, _, err = unix.Recvmsg(socket, make([]byte, 1), control, unix.MSG_CMSG_CLOEXEC)
	}
	if err != nil {
		return err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil {
		return err
	}
	if len(messages) == 0 {
		return errors.New("a user namespace can't open a bpf file system")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return err
	}
	defer unix.Close(fds[0])
	if everything {
		for _, what := range []string{"delegate_cmds", "delegate_maps", "delegate_progs", "delegate_attachs"} {
			if err := unix.FsconfigSetString(fds[0], what, "any"); err != nil {
				return err
			}
		}
	}
	if err := unix.FsconfigCreate(fds[0]); err != nil {
		return err
	}
	_, err = unix.Write(socket, []byte{1})
	return err
}

// enterInside starts the binary again, with what the thread may do now.
func enterInside() error {
	if err := os.Setenv(stepVariable, "inside"); err != nil {
		return err
	}
	return unix.Exec(binary(), os.Args, os.Environ())
}
