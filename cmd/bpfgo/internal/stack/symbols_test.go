package stack

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kallsyms"
	"github.com/libbpf-go/libbpf-go/internal/symbol"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

// The target tells where its functions are, and waits for the end of its input.
const source = `
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/auxv.h>
int __attribute__((noinline)) exported(int x) { return x + 1; }
static int __attribute__((noinline, used)) hidden(int x) { return x + 2; }
int __attribute__((noinline)) mangled(int x) __asm__("_ZN5space8functionEi");
int __attribute__((noinline)) mangled(int x) { return x + 3; }
int main(void)
{
	void *code = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	printf("%d %lx %lx %lx %lx %lx %lx\n", getpid(), (long)exported, (long)hidden, (long)mangled,
	       (long)qsort, (long)code, getauxval(AT_SYSINFO_EHDR));
	fflush(stdout);
	return getchar() != -1;
}
`

// target is a process that waits.
type target struct {
	cmd *exec.Cmd
	end func() // ends it
	own int    // its pid, as it sees it

	exported, hidden, mangled, qsort, code, vdso uint64
}

func compile(t *testing.T, flags ...string) string {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		testutil.Skip(t, "toolchain", err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "target.c"), source)
	args := append([]string{"-O1", "-o", "target", "target.c"}, flags...)
	cmd := exec.Command("gcc", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "target")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, cmd *exec.Cmd) *target {
	t.Helper()
	in, err := cmd.StdinPipe()
	testutil.Check(t, err)
	out, err := cmd.StdoutPipe()
	testutil.Check(t, err)
	testutil.Check(t, cmd.Start())
	p := &target{cmd: cmd}
	p.end = func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
	t.Cleanup(p.end)
	line, err := bufio.NewReader(out).ReadString('\n')
	testutil.Check(t, err)
	if _, err := fmt.Sscanf(line, "%d %x %x %x %x %x %x", &p.own, &p.exported, &p.hidden, &p.mangled, &p.qsort, &p.code,
		&p.vdso); err != nil {
		t.Fatalf("%v: %q", err, line)
	}
	return p
}

func symbols(t *testing.T) *Symbols {
	s := New()
	t.Cleanup(func() { testutil.Check(t, s.Close()) })
	return s
}

// wantFunctions checks the names of addresses, each as the innermost of a stack.
func wantFunctions(t *testing.T, s *Symbols, pid int, want map[uint64]string) {
	t.Helper()
	for address, name := range want {
		if f := s.User(pid, []uint64{address})[0]; f.Function() != name {
			t.Errorf("%#x is %+v (%s), want %s", address, f, f, name)
		}
	}
}

func (p *target) functions() map[uint64]string {
	return map[uint64]string{p.exported: "exported", p.exported + 1: "exported", p.hidden: "hidden",
		p.mangled: "space::function", 1: "[unknown]", p.code: "[unknown]"}
}

func TestUser(t *testing.T) {
	for name, flags := range map[string][]string{
		"pie": {"-pie", "-fPIE"}, "fixed": {"-no-pie", "-fno-pie"}, "static": {"-static"},
	} {
		t.Run(name, func(t *testing.T) {
			path := compile(t, flags...)
			p := start(t, exec.Command(path))
			s := symbols(t)
			pid := p.cmd.Process.Pid
			want := p.functions()
			if name != "fixed" { // there, it is the address of a stub
				want[p.qsort] = "qsort"
			}
			wantFunctions(t, s, pid, want)
			frames := s.User(pid, []uint64{p.hidden + 1, p.hidden})
			if frames[0].String() != "hidden+0x1 [target]" || frames[0].Module != path {
				t.Errorf("%+v", frames[0])
			}
			// The caller's address is that behind a call, which may be the last instruction of a function.
			if frames[1].Name == "hidden" {
				t.Errorf("%+v", frames[1])
			}
			p.end()
			wantFunctions(t, s, pid, want)
			if w := s.Warnings(); len(w) > 0 {
				t.Error(w)
			}
		})
	}
}

// What was remembered has names after the process has ended and its binary is gone.
func TestAfterTheEnd(t *testing.T) {
	path := compile(t)
	p := start(t, exec.Command(path))
	s := symbols(t)
	pid := p.cmd.Process.Pid
	s.Remember(pid)
	p.end()
	testutil.Check(t, os.Remove(path))
	wantFunctions(t, s, pid, p.functions())
	other := symbols(t)
	wantFunctions(t, other, pid, map[uint64]string{p.exported: "[unknown]"})
}

func TestDeleted(t *testing.T) {
	testutil.Root(t)
	path := compile(t)
	p := start(t, exec.Command(path))
	testutil.Check(t, os.Remove(path))
	write(t, path, "another file")
	wantFunctions(t, symbols(t), p.cmd.Process.Pid, p.functions())
}

// The path of a binary is that of the process's mount namespace, its pid that of its pid namespace.
func TestContainer(t *testing.T) {
	testutil.Root(t)
	path := compile(t)
	name := fmt.Sprintf("inner-%d", os.Getpid())
	inner := filepath.Join("/tmp", name)
	cmd := exec.Command("sh", "-c", `mount -t tmpfs none "$1" && cp "$2" "$1/$3" && mount --bind "$1" /tmp && exec "/tmp/$3"`,
		"sh", t.TempDir(), path, name)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Cloneflags: syscall.CLONE_NEWPID}
	p := start(t, cmd)
	if _, err := os.Stat(inner); err == nil {
		t.Fatal("the binary is in this mount namespace too")
	}
	pid := cmd.Process.Pid
	if p.own == pid {
		t.Fatal("the process is in this pid namespace")
	}
	s := symbols(t)
	wantFunctions(t, s, pid, p.functions())

	// By the path, as for those who may not use map_files.
	for _, link := range []string{inner, "/proc/self/exe"} {
		file, err := openInRoot(pid, link)
		if (err == nil) != (link == inner) {
			t.Errorf("%s: %v", link, err)
		}
		if err == nil {
			testutil.Check(t, file.Close())
		}
	}

	// The runtime's list has the name that it has there.
	list := fmt.Sprintf("/proc/%d/root/tmp/perf-%d.map", pid, p.own)
	write(t, list, fmt.Sprintf("%x 100 compiled\n", p.code))
	another := symbols(t)
	wantFunctions(t, another, pid, map[uint64]string{p.code: "compiled", p.code + 0xff: "compiled", p.code + 0x100: "[unknown]"})
	write(t, list, fmt.Sprintf("%x 100 compiled\n%x 100 later\n", p.code, p.code+0x100))
	wantFunctions(t, another, pid, map[uint64]string{p.code + 0x100: "later"})
	p.end()
	wantFunctions(t, another, pid, map[uint64]string{p.code: "compiled"})
}

// withList starts a process that has a list of its functions, as runtimes write it. The result is also the list's path.
func withList(t *testing.T) (p *target, list string) {
	t.Helper()
	p = start(t, exec.Command(compile(t)))
	list = fmt.Sprintf("/tmp/perf-%d.map", p.cmd.Process.Pid)
	write(t, list, fmt.Sprintf("%x 100 compiled\n", p.code))
	t.Cleanup(func() { _ = os.Remove(list) })
	return p, list
}

// Another user's list of functions does not count.
func TestForeignList(t *testing.T) {
	testutil.Root(t)
	p, list := withList(t)
	pid := p.cmd.Process.Pid
	testutil.Check(t, os.Chown(list, 65534, 65534))
	wantFunctions(t, symbols(t), pid, map[uint64]string{p.code: "[unknown]"})
	testutil.Check(t, os.Chown(list, 0, 0))
	wantFunctions(t, symbols(t), pid, map[uint64]string{p.code: "compiled"})
}

// The functions of the vDSO, which is in no file.
func TestVDSO(t *testing.T) {
	p := start(t, exec.Command(compile(t)))
	names, size := ownVDSO()
	if names == nil || names.Size() == 0 || p.vdso == 0 {
		testutil.Skip(t, "vDSO with symbols", os.ErrNotExist)
	}
	s := symbols(t)
	found := 0
	for at := uint64(0); at < size; at += 16 {
		if name, _, ok := names.At(at); ok {
			found++
			wantFunctions(t, s, p.cmd.Process.Pid, map[uint64]string{p.vdso + at: name})
			if f := s.User(p.cmd.Process.Pid, []uint64{p.vdso + at})[0]; f.Module != "[vdso]" {
				t.Errorf("%+v", f)
			}
		}
	}
	if found == 0 {
		t.Error("the vDSO's functions have no code")
	}
}

func TestGo(t *testing.T) {
	address := uint64(reflect.ValueOf(TestGo).Pointer())
	const name = "github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/stack.TestGo"
	wantFunctions(t, symbols(t), os.Getpid(), map[uint64]string{address: name})
}

// A process gets other code by execve(2) and dlopen(3).
func TestOtherCode(t *testing.T) {
	path := compile(t, "-no-pie", "-fno-pie")
	cmd := exec.Command("sh", "-c", `read line; exec "$1"`, "sh", path)
	in, err := cmd.StdinPipe()
	testutil.Check(t, err)
	out, err := cmd.StdoutPipe()
	testutil.Check(t, err)
	testutil.Check(t, cmd.Start())
	defer func() {
		_ = in.Close()
		_ = cmd.Wait()
	}()
	s := symbols(t)
	s.Remember(cmd.Process.Pid)
	_, err = in.Write([]byte("\n"))
	testutil.Check(t, err)
	line, err := bufio.NewReader(out).ReadString('\n')
	testutil.Check(t, err)
	exported, err := strconv.ParseUint(strings.Fields(line)[1], 16, 64)
	testutil.Check(t, err)
	s.processes[cmd.Process.Pid].checked = s.processes[cmd.Process.Pid].checked.Add(-hasty)
	wantFunctions(t, s, cmd.Process.Pid, map[uint64]string{exported: "exported"})
}

func TestBuildIDs(t *testing.T) {
	path := compile(t, "-Wl,--build-id=0x123456789012345678")
	f, err := symbol.Open(path)
	testutil.Check(t, err)
	offsets, err := f.Offsets([]string{"hidden"})
	testutil.Check(t, err)
	id := f.BuildID()
	testutil.Check(t, f.Close())

	p := start(t, exec.Command(path))
	pid := p.cmd.Process.Pid
	entry := make([]byte, 3*buildIDEntry)
	entry[0] = buildIDValid
	copy(entry[4:], id)
	binary.NativeEndian.PutUint64(entry[24:], offsets[0]+1)
	entry[buildIDEntry] = buildIDIsAddress
	binary.NativeEndian.PutUint64(entry[buildIDEntry+24:], p.exported+1)
	entries := ParseBuildIDs(entry)
	check := func(s *Symbols, want ...string) {
		t.Helper()
		for i, f := range s.BuildIDs(pid, entries) {
			if f.Function() != want[i] {
				t.Errorf("%+v, want %s", f, want[i])
			}
		}
	}
	if len(entries) != 2 {
		t.Fatalf("%v", entries)
	}
	s := symbols(t)
	s.Remember(pid)
	check(s, "hidden", "exported")
	p.end()
	check(s, "hidden", "exported")
	check(symbols(t), "[unknown]", "[unknown]")

	// The system's list of binaries by build id.
	saved := buildIDRoots
	defer func() { buildIDRoots = saved }()
	root := t.TempDir()
	buildIDRoots = []string{root}
	name := fmt.Sprintf("%x", entries[0].ID)
	testutil.Check(t, os.Mkdir(filepath.Join(root, name[:2]), 0o755))
	testutil.Check(t, os.Symlink(path, filepath.Join(root, name[:2], name[2:])))
	check(symbols(t), "hidden", "[unknown]")
}

func TestKernel(t *testing.T) {
	testutil.Root(t)
	s := symbols(t)
	if err := s.kernel.load(); err != nil {
		testutil.Skip(t, "kallsyms", err)
	}
	var address uint64
	for _, k := range s.kernel.symbols {
		if k.Name == "vfs_read" && k.Module == "" {
			address = k.Address
		}
	}
	frames := s.Kernel([]uint64{address + 4, address, 1})
	if f := frames[0]; !f.Kernel || f.String() != "vfs_read+0x4" {
		t.Errorf("%+v", f)
	}
	if frames[1].Name == "vfs_read" || frames[2].String() != "[unknown] 0x1" {
		t.Errorf("%+v", frames[1:])
	}
}

// Without the addresses, frames have no names, and a warning says why.
func TestHiddenKernel(t *testing.T) {
	s := symbols(t)
	s.kernel.hidden = true
	s.warn(kallsyms.ErrHidden.Error(), "kernel")
	if f := s.Kernel([]uint64{0xffffffff81000000})[0]; f.Function() != "[unknown]" {
		t.Errorf("%+v", f)
	}
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], "CAP_SYSLOG") {
		t.Error(w)
	}
}

// Of a process whose pid another one has got, nothing counts any more.
func TestReusedPID(t *testing.T) {
	testutil.Root(t)
	p, list := withList(t)
	pid := p.cmd.Process.Pid
	s := symbols(t)
	wantFunctions(t, s, pid, map[uint64]string{p.code: "compiled"})
	testutil.Check(t, os.Remove(list))
	s.Look(pid)
	wantFunctions(t, s, pid, map[uint64]string{p.code: "compiled"})
	s.processes[pid].began = "before"
	s.Look(pid)
	wantFunctions(t, s, pid, map[uint64]string{p.code: "[unknown]"})
	if n := len(s.processes[pid].generations); n != 1 {
		t.Errorf("%d generations", n)
	}
}

// What is kept is bounded.
func TestBounds(t *testing.T) {
	s := symbols(t)
	for pid := range 3 * maxProcesses {
		s.Remember(1<<30 + pid)
	}
	if len(s.processes) > maxProcesses {
		t.Errorf("%d processes", len(s.processes))
	}
	if s.files < 1 || s.files > maxBinaries {
		t.Errorf("%d files", s.files)
	}
	s.files = 1
	s.Look(start(t, exec.Command(compile(t))).cmd.Process.Pid)
	if len(s.binaries) > 1 {
		t.Errorf("%d binaries", len(s.binaries))
	}
}
