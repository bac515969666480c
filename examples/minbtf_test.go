//go:build !race

package examples

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	// Starts a program on a kernel whose types cannot be seen.
	works["hidden"] = func() {
		err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		if err == nil {
			err = unix.Mount("tmpfs", "/sys/kernel/btf", "tmpfs", 0, "")
		}
		if err == nil {
			err = unix.Exec(os.Args[1], os.Args[1:], os.Environ())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// hidden is the command on a kernel whose types cannot be seen.
func hidden(cmd *exec.Cmd) *exec.Cmd {
	h := work("hidden", cmd.Args...)
	h.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	return h
}

func TestMinbtf(t *testing.T) {
	t.Parallel()
	sees := func(e *example) {
		t.Helper()
		child := work("status")
		_ = child.Run()
		e.waitFor(fmt.Sprintf(`^\S+ \(%d\) executes exe \(%d\)$`, os.Getpid(), child.Process.Pid))
		e.interrupt()
	}
	self := fmt.Sprint(os.Getpid())
	e := start(t, "minbtf", "-p", self)
	e.waitFor("^types from /sys/kernel/btf/vmlinux$")
	sees(e)

	var uname unix.Utsname
	testutil.Check(t, unix.Uname(&uname))
	file := unix.ByteSliceToString(uname.Release[:]) + ".btf"
	without := hidden(command(t, "minbtf", "-p", self))
	if out, err := without.CombinedOutput(); err == nil ||
		!matched(string(out), "^minbtf: the kernel has no types, and this program has no "+regexp.QuoteMeta(file)+"$") {
		t.Errorf("without types: %v\n%s", err, out)
	}

	kernel, err := btf.LoadKernel()
	testutil.Check(t, err)
	defer kernel.Close()
	relocations, err := btf.RelocationsInFile("minbtf/minbtf_bpf.o")
	testutil.Check(t, err)
	defer relocations.Close()
	minimal, err := btf.Minimize([]*btf.Relocations{relocations}, kernel)
	testutil.Check(t, err)
	defer minimal[0].Close()
	types, err := minimal[0].Raw()
	testutil.Check(t, err)
	t.Logf("%d bytes of types", len(types))
	dir := t.TempDir()
	testutil.Check(t, os.WriteFile(filepath.Join(dir, file), types, 0o600))
	e = startCommand(t, hidden(command(t, "minbtf", "-p", self, "-btf", dir)))
	e.waitFor("^types from " + regexp.QuoteMeta(file) + "$")
	sees(e)
}
