package faults_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/faults"
	"github.com/libbpf-go/libbpf-go/internal/testutil/leaks"
)

func do(t *testing.T, run faults.Run) faults.Result {
	t.Helper()
	result, err := run.Do()
	if err != nil {
		testutil.Skip(t, "seccomp-notify", err)
	}
	return result
}

// Each call fails once, with the errno, and no other call does.
func TestRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	var errs []error
	code := func() {
		fd, err := unix.Open(path, unix.O_CREAT|unix.O_RDWR, 0o600)
		_, errWrite := unix.Write(fd, []byte("x"))
		_, errRead := unix.Pread(fd, make([]byte, 1), 0)
		errs = []error{err, errWrite, errRead, unix.Close(fd)}
	}
	calls := do(t, faults.Run{Code: code}).Calls
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range calls {
		names = append(names, c.Name)
	}
	if want := []string{"openat", "write", "pread64", "close"}; !slices.Equal(names, want) {
		t.Fatalf("calls %v, want %v", names, want)
	}
	if !strings.HasPrefix(path, calls[0].Text) || calls[0].Text == "" {
		t.Errorf("opened %q, want %q", calls[0].Text, path)
	}
	for n := 2; n <= len(calls)+1; n++ { // the others need the descriptor
		result := do(t, faults.Run{Nth: n, Errno: unix.EDQUOT, Code: code})
		if result.Failed != (n <= len(calls)) {
			t.Errorf("call %d failed: %v", n, result.Failed)
		}
		for i, err := range errs {
			if errors.Is(err, unix.EDQUOT) != (i+1 == n) || err != nil && i+1 != n {
				t.Errorf("call %d of %d: %v", i+1, n, err)
			}
		}
	}
}

// close(2) closes, also when it fails.
func TestCloseFails(t *testing.T) {
	before := leaks.Descriptors()
	var err error
	result := do(t, faults.Run{Nth: 2, Errno: unix.EIO, Code: func() {
		fd, _ := unix.Open("/dev/null", unix.O_RDONLY, 0)
		err = unix.Close(fd)
	}})
	if !result.Failed || err != unix.EIO {
		t.Errorf("close: %v", err)
	}
	if after := leaks.Descriptors(); len(after) != len(before) {
		t.Errorf("descriptors %v, before %v", after, before)
	}
}

func TestPanic(t *testing.T) {
	if result := do(t, faults.Run{Code: func() { panic("on purpose") }}); !strings.Contains(result.Panic, "on purpose") {
		t.Errorf("panic %q", result.Panic)
	}
}

// Neither the process nor a later thread is under a filter.
func TestOthersAreNotFiltered(t *testing.T) {
	filters := func(status string) string {
		_, rest, _ := strings.Cut(status, "Seccomp:")
		line, _, _ := strings.Cut(rest, "\n")
		return line
	}
	own, err := os.ReadFile("/proc/self/status")
	testutil.Check(t, err)
	do(t, faults.Run{Code: func() {
		done := make(chan error)
		go func() {
			_, err := os.ReadFile("/proc/self/status")
			done <- err
		}()
		testutil.Check(t, <-done)
	}})
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	testutil.Check(t, err)
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if err == nil && filters(string(status)) != filters(string(own)) {
			t.Errorf("%s is filtered:\n%s", task, status)
		}
	}
}
