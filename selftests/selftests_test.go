//go:build !race

// The race detector does not see other processes, so running them again under it, as 'make test' would, has no use.

// Package selftests holds end-to-end programs, one in each folder. They are a module of a user's, with generated code,
// run on the running kernel, and check their result. The package's test builds all of them, dynamically and statically
// linked, and runs them.
//
// A folder has main.go and a BPF program with the folder's name.
package selftests

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

func TestPrograms(t *testing.T) {
	testutil.Root(t)
	names := programs(t)
	for _, linking := range []struct {
		name   string
		static bool
		flags  []string
	}{
		{"dynamic", false, nil},
		{"static", true, []string{"-ldflags", `-extldflags "-static"`}},
	} {
		t.Run(linking.name, func(t *testing.T) {
			t.Parallel()
			bin := build(t, linking.name, linking.flags)
			for _, name := range names {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					program := filepath.Join(bin, name)
					if got := isStatic(t, program); got != linking.static {
						t.Errorf("statically linked: %t, want %t", got, linking.static)
					}
					needs.ToLoadFile(t, filepath.Join(name, name+"_bpf.o"))
					run(t, program)
				})
			}
		})
	}
}

// programs returns the names of the folders with a program.
func programs(t *testing.T) []string {
	t.Helper()
	mains, err := filepath.Glob("*/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	var names []string
	for _, main := range mains {
		name := filepath.Dir(main)
		// Without it nothing would be built, and the error would come later and be less clear.
		if _, err := os.Stat(filepath.Join(name, name+"_bpf.o")); err != nil {
			t.Fatalf("%v: run 'make selftests' first", err)
		}
		names = append(names, name)
	}
	return names
}

// build builds all programs and returns their folder. In the virtual machines of scripts/vm, which have no compiler,
// they are built already.
func build(t *testing.T, name string, flags []string) string {
	t.Helper()
	if built := os.Getenv("LIBBPF_GO_SELFTESTS"); built != "" {
		return filepath.Join(built, name)
	}
	bin := t.TempDir()
	args := append([]string{"build", "-buildvcs=false", "-o", bin + "/"}, flags...)
	if out, err := exec.Command("go", append(args, "./...")...).CombinedOutput(); err != nil {
		t.Fatalf("go %q: %v\n%s", args, err, out)
	}
	return bin
}

// isStatic reports whether the program needs neither a dynamic linker nor shared libraries.
func isStatic(t *testing.T, program string) bool {
	t.Helper()
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
			return false
		}
	}
	return true
}

// run runs a program. It must succeed and leave no files and no mounts.
func run(t *testing.T, program string) {
	t.Helper()
	const timeout = 5 * time.Minute
	tmp := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Dir = tmp // a user's program does not run in the repository either
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	// A process group, to end the program's children too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		t.Errorf("not done after %v\n%s", timeout, out.Bytes())
	case bytes.Contains(out.Bytes(), []byte("BPF_STX uses reserved fields")): // atomic operations that have a result
		testutil.Skip(t, "atomic_fetch", err)
	case err != nil:
		t.Errorf("%v\n%s", err, out.Bytes())
	default:
		t.Logf("%s", out.Bytes())
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for mount := range strings.Lines(string(mounts)) {
		if strings.Contains(mount, tmp) {
			t.Errorf("a mount is left: %s", mount)
		}
	}
	if files, err := os.ReadDir(tmp); err != nil || len(files) != 0 {
		t.Errorf("files are left: %v %v", files, err)
	}
}
