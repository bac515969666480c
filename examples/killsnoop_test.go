//go:build !race

package examples

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestKillsnoop(t *testing.T) {
	t.Parallel()
	seesSignal(t, command(t, "killsnoop"))
}

// seesSignal runs killsnoop, and sends a signal.
func seesSignal(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	target := work("count")
	testutil.Check(t, target.Start())
	pid := target.Process.Pid
	cmd.Args = append(cmd.Args, "-p", fmt.Sprint(pid))
	e := startCommand(t, cmd)
	e.waitFor("^SIGNAL +FROM")
	testutil.Check(t, unix.Kill(pid, unix.SIGWINCH))
	testutil.Check(t, unix.Kill(pid, unix.SIGTERM))
	_ = target.Wait()
	for _, name := range []string{"SIGWINCH", "SIGTERM"} {
		e.waitFor(fmt.Sprintf(`^%s +%d \S+ +-> +%d exe$`, name, os.Getpid(), pid))
	}
	e.interrupt()
}

// The README's commands for a binary that needs nothing where it runs. That for this machine runs here.
func TestKillsnoopStatic(t *testing.T) {
	t.Parallel()
	for _, arch := range []struct {
		name, compiler string
		machine        elf.Machine
	}{{"amd64", "x86_64-linux-gnu-gcc", elf.EM_X86_64}, {"arm64", "aarch64-linux-gnu-gcc", elf.EM_AARCH64}} {
		t.Run(arch.name, func(t *testing.T) {
			for _, tool := range []string{"go", arch.compiler} {
				if _, err := exec.LookPath(tool); err != nil {
					testutil.Skip(t, "toolchain", err)
				}
			}
			program := filepath.Join(t.TempDir(), "killsnoop")
			build := exec.Command("go", "build", "-buildvcs=false",
				"-ldflags", `-s -w -extldflags "-static"`, "-o", program, "./killsnoop")
			build.Env = append(os.Environ(), "GOARCH="+arch.name, "CGO_ENABLED=1", "CC="+arch.compiler)
			run(t, build)
			file, err := elf.Open(program)
			testutil.Check(t, err)
			defer file.Close()
			if file.Machine != arch.machine {
				t.Errorf("a program for %v", file.Machine)
			}
			for _, segment := range file.Progs {
				if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
					t.Errorf("it has a segment %v", segment.Type)
				}
			}
			if arch.name == runtime.GOARCH {
				cmd := command(t, "killsnoop")
				cmd.Path = program
				seesSignal(t, cmd)
			}
		})
	}
}
