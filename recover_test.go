package libbpf_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

const withoutFiles = "LIBBPF_GO_WITHOUT_FILES"

// What failed because the process could have no more descriptors works when it can: nobody takes the failure for an
// answer of the kernel's. It takes a process that has not asked before.
func TestFailureIsNotRemembered(t *testing.T) {
	if os.Getenv(withoutFiles) == "" {
		binary, err := os.Executable()
		check(t, err)
		cmd := exec.Command(binary, "-test.run=^TestFailureIsNotRemembered$", "-test.v")
		cmd.Env = append(os.Environ(), withoutFiles+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("in another process: %v\n%s", err, out)
		}
		return
	}

	without := func(f func() error) {
		t.Helper()
		var old unix.Rlimit
		check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
		check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: old.Max}))
		err := f()
		check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old))
		wantErr(t, err, unix.EMFILE)
	}
	without(func() error {
		_, err := libbpf.PossibleCPUs()
		return err
	})
	if n, err := libbpf.PossibleCPUs(); n < 1 || err != nil {
		t.Errorf("%d possible CPUs, %v", n, err)
	}

	if !libbpf.Version().Vendored {
		return // the system's libbpf remembers
	}
	create := func() error {
		m, err := libbpf.CreateMap(libbpf.MapTypeArray, "named", 4, 4, 1, libbpf.MapCreateOptions{})
		if err != nil {
			return err
		}
		defer m.Close()
		info, err := m.Info()
		if err == nil && info.Name != "named" {
			err = errors.New("the kernel was not told the map's name")
		}
		return err
	}
	without(create)
	check(t, create())

	// Global variables, and all that is in BTF.
	doomed, o := open(t, "attach"), open(t, "attach")
	without(func() error {
		_, err := doomed.Load()
		return err
	})
	info, err := findMap(t, load(t, o), ".bss").Info()
	check(t, err)
	if info.BTFID == 0 {
		t.Errorf("no BTF: %+v", info)
	}
}
