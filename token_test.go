package libbpf_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// A process in its own user namespace can use only the BPF that a token delegates to it. The kernel requires
// that this process opens the file system, and that a privileged process sets what it delegates.
func TestToken(t *testing.T) {
	needs.ToLoadFile(t, testutil.Object(t, "testrun"))
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	ours, theirs := pair[0], os.NewFile(uintptr(pair[1]), "socket")
	defer unix.Close(ours)
	defer theirs.Close()
	binary, err := os.Executable()
	check(t, err)
	mountpoint := t.TempDir()
	cmd := exec.Command(binary, "-test.run=^TestInsideUserNamespace$", "-test.v")
	cmd.Env = append(os.Environ(), "LIBBPF_GO_TOKEN="+mountpoint)
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil && testutil.Refused(err) {
		testutil.Skip(t, "user-namespaces", err) // in a container or a chroot
	} else {
		check(t, err)
	}
	check(t, theirs.Close())

	delegated := delegate(t, ours)
	_, err = unix.Write(ours, []byte{1})
	check(t, err)
	err = cmd.Wait()
	if delegated != nil {
		// Kernels without tokens mount no bpf file system in a user namespace.
		if !errors.Is(delegated, unix.EINVAL) && !errors.Is(delegated, unix.EPERM) {
			t.Fatal(delegated)
		}
		testutil.Skip(t, "bpf-tokens", delegated)
	}
	if strings.Contains(out.String(), libbpfLacksTokens) {
		testutil.Skip(t, "libbpf-1.4", errors.New(libbpfLacksTokens))
	}
	if err != nil || !strings.Contains(out.String(), loadedInside) {
		t.Errorf("%v\n%s", err, out.String())
	}
}

const (
	loadedInside      = "loaded with a token"
	libbpfLacksTokens = "bpf_token_create needs libbpf 1.4"
)

// delegate takes the file system that the other process opened, and delegates everything to it.
func delegate(t *testing.T, socket int) error {
	t.Helper()
	check(t, unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 60}))
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), control, unix.MSG_CMSG_CLOEXEC)
	check(t, err)
	messages, err := unix.ParseSocketControlMessage(control[:n])
	check(t, err)
	fds, err := unix.ParseUnixRights(&messages[0])
	check(t, err)
	defer unix.Close(fds[0])
	for _, what := range []string{"delegate_cmds", "delegate_maps", "delegate_progs", "delegate_attachs"} {
		if err := unix.FsconfigSetString(fds[0], what, "any"); err != nil {
			return err
		}
	}
	return unix.FsconfigCreate(fds[0])
}

// TestInsideUserNamespace is the part of TestToken that runs in the user namespace.
func TestInsideUserNamespace(t *testing.T) {
	mountpoint := os.Getenv("LIBBPF_GO_TOKEN")
	if mountpoint == "" {
		return
	}
	const socket = 3
	fs, err := unix.Fsopen("bpf", unix.FSOPEN_CLOEXEC)
	check(t, err)
	check(t, unix.Sendmsg(socket, []byte{0}, unix.UnixRights(fs), nil, 0))
	_, err = unix.Read(socket, make([]byte, 1))
	check(t, err)
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	check(t, err) // also when nothing could be delegated
	check(t, unix.Close(fs))
	check(t, unix.MoveMount(mount, "", unix.AT_FDCWD, mountpoint, unix.MOVE_MOUNT_F_EMPTY_PATH))
	check(t, unix.Close(mount))

	_, err = libbpf.CreateMap(libbpf.MapTypeLRUHash, "denied", 4, 4, 1, libbpf.MapCreateOptions{})
	wantErr(t, err, os.ErrPermission)
	_, err = open(t, "testrun").Load()
	wantErr(t, err, os.ErrPermission)

	token, err := libbpf.CreateToken(mountpoint)
	check(t, err)
	defer token.Close()
	if token.FD() < 3 {
		t.Errorf("fd %d", token.FD())
	}
	info, err := token.Info()
	if !errors.Is(err, unix.EINVAL) { // before Linux 6.17
		check(t, err)
		if all := ^uint64(0); info != (libbpf.TokenInfo{Commands: all, MapTypes: all, Programs: all, AttachTypes: all}) {
			t.Errorf("info %+v", info)
		}
	}
	m, err := libbpf.CreateMap(libbpf.MapTypeLRUHash, "allowed", 4, 4, 1, libbpf.MapCreateOptions{
		Flags: libbpf.CreateTokenFD, TokenFD: token.FD(),
	})
	check(t, err)
	defer m.Close()
	check(t, m.Update(u32(1), u32(2), libbpf.Any))

	builder := libbpf.ObjectBuilder{TokenPath: mountpoint}
	opened, err := builder.OpenFile(testutil.Object(t, "testrun"))
	check(t, err)
	o, err := opened.Load()
	check(t, err)
	defer o.Close()
	if o.TokenFD() < 3 {
		t.Errorf("the object's token is %d", o.TokenFD())
	}
	p := findProgram(t, o, "grow_packet")
	result, err := p.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64)})
	check(t, err)
	if result.ReturnValue != 3 || result.DataSize != 68 {
		t.Errorf("result %+v", result)
	}
	// The kernel shows instructions only to privileged processes.
	program, err := p.Info(libbpf.IncludeAll)
	check(t, err)
	if program.Type != libbpf.ProgramTypeXDP || program.ID == 0 || program.XlatedInstructions != nil {
		t.Errorf("info %+v", program)
	}
	check(t, token.Close())
	check(t, token.Close())
	_, err = token.Info()
	wantErr(t, err, libbpf.ErrClosed)
	if token.FD() != -1 {
		t.Errorf("fd %d after Close", token.FD())
	}
	if !t.Failed() {
		t.Log(loadedInside)
	}
}

func TestTokenRefusals(t *testing.T) {
	pins := testutil.BPFFS(t)
	_, err := libbpf.CreateToken(pins)
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, unix.EINVAL) { // EINVAL: the kernel has no tokens
		t.Errorf("in the initial user namespace: %v", err)
	}
	_, err = libbpf.CreateToken(pins + "/nothing")
	if !errors.Is(err, errors.ErrUnsupported) { // an old libbpf does not check
		wantErr(t, err, os.ErrNotExist)
	}
	_, err = (*libbpf.Token)(nil).Info()
	wantErr(t, err, libbpf.ErrClosed)
	check(t, (*libbpf.Token)(nil).Close())
	if fd := (*libbpf.Token)(nil).FD(); fd != -1 {
		t.Errorf("fd %d", fd)
	}
	_, err = libbpf.ObjectBuilder{TokenPath: pins, NoToken: true}.OpenFile(testutil.Object(t, "testrun"))
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.ObjectBuilder{TokenPath: "a\x00b"}.OpenFile(testutil.Object(t, "testrun"))
	wantErr(t, err, libbpf.ErrInvalid)
	o, err := libbpf.ObjectBuilder{NoToken: true}.OpenFile(testutil.Object(t, "testrun"))
	check(t, err)
	defer o.Close()
	if fd := load(t, o).TokenFD(); fd != -1 {
		t.Errorf("token %d without one", fd)
	}
	// Opening fails if no token can be made of an explicit path.
	o, err = libbpf.ObjectBuilder{TokenPath: pins}.OpenFile(testutil.Object(t, "testrun"))
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	check(t, err)
	if _, err := o.Load(); err == nil {
		t.Error("loaded without the token that was asked for")
	}
}
