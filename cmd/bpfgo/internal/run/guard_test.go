package run

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// However bpfgo ends, its command does, whatever that has become, and what it has started does.
func TestKilled(t *testing.T) {
	for name, tt := range map[string]struct {
		helper  string
		command []string
	}{
		"command":  {"", []string{"sh", "-c", "echo ready; exec sleep 100"}},
		"children": {"", []string{"sh", "-c", "(sleep 100 & setsid sleep 100 & echo ready; wait); true"}},
		"stubborn": {helperStubborn, []string{os.Args[0]}},
		"nobody":   {helperNobody, []string{os.Args[0]}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(helperVariable, tt.helper)
			s := start(t, append([]string{"run", syscallsObject(t), "--"}, tt.command...)...)
			s.line(t, "ready")
			all := descendants(s.Process.Pid)
			if err := s.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = s.Wait()
			for _, pid := range all {
				gone(t, pid)
			}
		})
	}
}

// descendants are the process ids of a process's children, and of theirs.
func descendants(pid int) []int {
	var all []int
	for _, child := range children(strconv.Itoa(pid)) {
		all = append(append(all, child), descendants(child)...)
	}
	return all
}

// Also where bpfgo is not killed, nothing that the command has started is left.
func TestTerminatedWithChildren(t *testing.T) {
	s := start(t, "run", syscallsObject(t), "--", "sh", "-c",
		"sh -c 'trap \"\" TERM; echo ready; sleep 100; sleep 100' & wait")
	s.line(t, "ready")
	all := descendants(s.Process.Pid)
	if len(all) < 3 {
		t.Errorf("only the processes %v were started", all)
	}
	if err := s.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, s.out); err != nil {
		t.Error(err)
	}
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
	clitest.WantLine(t, s.stderr.String(), "sh was ended by signal 15 (terminated)")
	for _, pid := range all {
		gone(t, pid)
	}
}

// What a command leaves running when it ends by itself goes on.
func TestBackground(t *testing.T) {
	s := start(t, "run", syscallsObject(t), "--", "sh", "-c", "sleep 100 >/dev/null 2>&1 & echo started $!")
	// On a slow machine, events of slow system calls come before.
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(s.line(t, "started "), "started ")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, s.out); err != nil {
		t.Error(err)
	}
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
	clitest.WantLine(t, s.stderr.String(), "sh exited with status 0")
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Errorf("process %d: %v", pid, err)
	}
}

func TestGuardKilled(t *testing.T) {
	s := start(t, "run", syscallsObject(t), "--", "sh", "-c", "echo ready; exec sleep 100")
	s.line(t, "ready")
	all := descendants(s.Process.Pid)
	if err := unix.Kill(all[0], unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, s.out); err != nil {
		t.Error(err)
	}
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
	clitest.WantLine(t, s.stderr.String(), "sh: the guard process was killed")
	for _, pid := range all {
		gone(t, pid)
	}
}

// A command that waits to begin does not begin when bpfgo or its guard is killed, or the guard is told to end it: not
// even one that runs as another user, for which the kernel forgets Pdeathsig.
func TestKilledBeforeItBegan(t *testing.T) {
	testutil.Root(t)
	dir := t.TempDir()
	touch, mark := filepath.Join(dir, "touch"), filepath.Join(dir, "mark")
	original, err := exec.LookPath("touch")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o777),
		exec.Command("cp", "-L", original, touch).Run(), os.Chown(touch, 65534, 65534),
		os.Chmod(touch, 0o755|os.ModeSetuid)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, kill := range map[string]func(*child) error{
		"bpfgo": func(c *child) error { return c.orders.Close() },
		"guard": func(*child) error { return unix.Kill(children("self")[0], unix.SIGKILL) },
		"order": func(c *child) error { c.stop(false, nil); return nil },
	} {
		c, err := startHeld([]string{touch, mark}, os.Stdout, os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		if err := kill(c); err != nil {
			t.Fatal(err)
		}
		<-c.done
		gone(t, c.pid)
		if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s killed: the command ran: %v", name, err)
		}
	}
	noChildren(t)
}

// A command that waits to begin when bpfgo fails must not begin.
func TestFailureEndsCommand(t *testing.T) {
	testutil.Root(t)
	mark := filepath.Join(t.TempDir(), "mark")
	_, stderr, status := tool.Run("run", testutil.Object(t, "rejected"), "--", "touch", mark)
	if status != cli.StatusRejected || !strings.Contains(stderr, "load program") {
		t.Errorf("exit status %d: %q", status, stderr)
	}
	if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the command ran: %v", err)
	}
	noChildren(t)
}

// A signal that bpfgo was started to ignore, as by nohup, is ignored by it and by its command.
func TestIgnoredSignals(t *testing.T) {
	cmd := program(t, "run", syscallsObject(t), "--", "sh", "-c", "echo ready; exec sleep 100")
	cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`}, cmd.Args...)
	s := startCommand(t, cmd)
	s.line(t, "ready")
	for _, pid := range append(descendants(s.Process.Pid), s.Process.Pid) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		_, mask, _ := strings.Cut(string(status), "SigIgn:\t")
		mask, _, _ = strings.Cut(mask, "\n")
		if ignored, err := strconv.ParseUint(mask, 16, 64); err != nil || ignored&(1<<(unix.SIGHUP-1)) == 0 {
			t.Errorf("process %d does not ignore SIGHUP: %q, %v", pid, mask, err)
		}
	}
}
