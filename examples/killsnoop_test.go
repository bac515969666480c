//go:build !race

package examples

import (
	"debug/elf"
	"fmt"
	"maps"
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

// static are the architectures to build for, with their compilers. LIBBPF_GO_CROSS adds another one, for which all C code
// is compiled again: "make test-build" sets it.
func static() map[string]string {
	compilers := map[string]string{"amd64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}
	if os.Getenv("LIBBPF_GO_CROSS") == "" {
		maps.DeleteFunc(compilers, func(arch, _ string) bool { return arch != runtime.GOARCH })
	}
	return compilers
}

// The README's commands for a binary that needs nothing where it runs. That for this machine runs here.
func TestKillsnoopStatic(t *testing.T) {
	t.Parallel()
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	for arch, compiler := range static() {
		t.Run(arch, func(t *testing.T) {
			for _, tool := range []string{"go", compiler} {
				if _, err := exec.LookPath(tool); err != nil {
					testutil.Skip(t, "toolchain", err)
				}
			}
			program := filepath.Join(t.TempDir(), "killsnoop")
			build := exec.Command("go", "build", "-buildvcs=false",
				"-ldflags", `-s -w -extldflags "-static"`, "-o", program, "./killsnoop")
			build.Env = append(os.Environ(), "GOARCH="+arch, "CGO_ENABLED=1", "CC="+compiler)
			run(t, build)
			file, err := elf.Open(program)
			testutil.Check(t, err)
			defer file.Close()
			if file.Machine != machines[arch] {
				t.Errorf("a program for %v", file.Machine)
			}
			for _, segment := range file.Progs {
				if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
					t.Errorf("it has a segment %v", segment.Type)
				}
			}
			if arch == runtime.GOARCH {
				cmd := command(t, "killsnoop")
				cmd.Path = program
				seesSignal(t, cmd)
			}
		})
	}
}
