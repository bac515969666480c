package leaks_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cmalloc"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cmalloc/calls"
	"github.com/libbpf-go/libbpf-go/internal/testutil/leaks"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

const (
	leaveVariable = "LIBBPF_GO_LEAVE"        // the kind of leak that TestLeaves makes
	whereVariable = "LIBBPF_GO_LEAVE_FOLDER" // a folder of the parent's, for what outlives the process
)

// kept is what TestLeaves leaves behind, so that no finalizer cleans up.
var kept []any

func folder() string { return os.Getenv(whereVariable) }

func keep[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		testutil.Check(t, err)
		kept = append(kept, value)
		return value
	}
}

func createMap() (*libbpf.MapHandle, error) {
	return libbpf.CreateMap(libbpf.MapTypeArray, "left", 4, 4, 1, libbpf.MapCreateOptions{})
}

func loadProgram(typ libbpf.ProgramType) (*libbpf.ProgramHandle, error) {
	const movImmediate, exit = 0xb7, 0x95
	return libbpf.LoadProgram(typ, "left", "GPL", []libbpf.Instruction{{Code: movImmediate}, {Code: exit}},
		libbpf.ProgramLoadOptions{})
}

// kinds leave something behind. want is what the report has, a line of the report each.
var kinds = map[string]struct {
	leave func(t *testing.T)
	want  []string
	pins  bool
}{
	"descriptor": {leave: func(t *testing.T) { keep[*os.File](t)(os.Open(os.DevNull)) }, want: []string{"-> /dev/null"}},
	"handle": {leave: func(t *testing.T) { keep[*libbpf.MapHandle](t)(createMap()) }, want: []string{
		"a handle that was not closed", "leaks_test.createMap (leaks_test.go:", "anon_inode:bpf-map, map type 2, map id ",
		"map with id ", `in the kernel, "left"`,
	}},
	"map": {pins: true, leave: func(t *testing.T) {
		m, err := createMap()
		testutil.Check(t, err)
		testutil.Check(t, m.Pin(filepath.Join(folder(), "map")))
		testutil.Check(t, m.Close())
	}, want: []string{"map with id ", `in the kernel, "left", pinned at `, "/map"}},
	"program": {pins: true, leave: func(t *testing.T) {
		p, err := loadProgram(libbpf.ProgramTypeSocketFilter)
		testutil.Check(t, err)
		testutil.Check(t, p.Pin(filepath.Join(folder(), "program")))
		testutil.Check(t, p.Close())
	}, want: []string{"program with id ", `in the kernel, "left", pinned at `, "/program"}},
	"attached program": {leave: func(t *testing.T) {
		p, err := loadProgram(libbpf.ProgramTypeSocketFilter)
		testutil.Check(t, err)
		sockets, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		testutil.Check(t, err)
		testutil.Check(t, libbpf.AttachSocketFilter(sockets[0], p))
		testutil.Check(t, p.Close())
		testutil.Check(t, unix.Close(sockets[1]))
	}, want: []string{"program with id ", "-> socket:"}},
	"link": {pins: true, leave: func(t *testing.T) {
		p, err := loadProgram(libbpf.ProgramTypeXDP)
		testutil.Check(t, err)
		n := testutil.NewNetwork(t)
		n.Do(func() {
			const loopback = 1
			l, err := p.AttachXDP(loopback, libbpf.XDPLinkOptions{})
			testutil.Check(t, err)
			testutil.Check(t, l.Pin(filepath.Join(folder(), "link")))
			testutil.Check(t, l.Close())
		})
		testutil.Check(t, p.Close())
	}, want: []string{"link with id ", ", pinned at ", "/link", "program with id "}},
	"BTF": {leave: func(t *testing.T) {
		b := btf.NewBuilder()
		defer b.Close()
		b.AddInt("int", 4, btf.IntSigned)
		types := keep[*btf.BTF](t)(b.BTF())
		testutil.Check(t, types.LoadIntoKernel(btf.LoadOptions{}))
	}, want: []string{"BTF with id ", "a handle that was not closed", "leaks_test.init.func"}},
	"mount": {leave: func(t *testing.T) {
		dir, err := os.MkdirTemp("", "left")
		testutil.Check(t, err)
		testutil.Check(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
	}, want: []string{"mount of tmpfs at ", "temporary file "}},
	"temporary file": {leave: func(t *testing.T) {
		f, err := os.CreateTemp("", "left")
		testutil.Check(t, err)
		testutil.Check(t, f.Close())
	}, want: []string{"temporary file ", "/left"}},
	"cgroup": {leave: func(t *testing.T) {
		_, err := os.MkdirTemp(folder(), leaks.CgroupPattern())
		testutil.Check(t, err)
	}, want: []string{"cgroup /libbpf-go-test-"}},
	"thread": {leave: func(t *testing.T) {
		runtime.LockOSThread()
		testutil.Check(t, unix.Unshare(unix.CLONE_NEWNET))
		runtime.UnlockOSThread()
	}, want: []string{"in another namespace, net:["}},
	"process": {leave: func(t *testing.T) {
		cat := exec.Command("cat") // until its input ends, with the process
		keep[any](t)(cat.StdinPipe())
		testutil.Check(t, cat.Start())
	}, want: []string{"process ", ": cat"}},
	"zombie": {leave: func(t *testing.T) {
		testutil.Check(t, exec.Command("true").Start())
	}, want: []string{"which has ended and was not waited for"}},
	"goroutine": {leave: func(*testing.T) { go func() { select {} }() }, want: []string{
		"[select (no cases)]", "leaks_test.init.func",
	}},
	"C memory": {leave: func(*testing.T) { calls.Makers["malloc"](1234) }, want: []string{"C memory: 1234 bytes by "}},
	"mapping": {leave: func(t *testing.T) {
		f, err := os.Open("/proc/self/exe")
		testutil.Check(t, err)
		defer f.Close()
		keep[[]byte](t)(unix.Mmap(int(f.Fd()), 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_PRIVATE))
	}, want: []string{"mapped memory: /", "leaks.test, 1 times"}},
}

// Each kind of leak fails the tests of a package, and the report says what is there, and which test made it.
func TestLeaks(t *testing.T) {
	testutil.Root(t)
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			if name == "C memory" && !cmalloc.Supported() {
				testutil.Skip(t, "cmalloc", errors.ErrUnsupported)
			}
			out, err := leave(t, name, place(t, name))
			if err == nil {
				t.Fatalf("it passes:\n%s", out)
			}
			for _, want := range append(kind.want, "left behind by the tests:", "TestLeaves") {
				if !strings.Contains(out, want) {
					t.Errorf("there is no %q in:\n%s", want, out)
				}
			}
		})
	}
}

// Tests that leave nothing behind pass.
func TestNoLeaks(t *testing.T) {
	if out, err := leave(t, "nothing", ""); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// place is a folder for what outlives the process, and is gone with the test.
func place(t *testing.T, kind string) string {
	switch {
	case kind == "cgroup":
		c := testutil.NewCgroup(t)
		t.Cleanup(func() {
			left, _ := filepath.Glob(filepath.Join(c.Name(), "libbpf-go-test-*"))
			for _, cgroup := range left {
				testutil.Check(t, os.Remove(cgroup))
			}
		})
		return c.Name()
	case kinds[kind].pins:
		return testutil.BPFFS(t)
	}
	return ""
}

func leave(t *testing.T, kind, place string) (string, error) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestLeaves$")
	cmd.Env = append(os.Environ(), leaveVariable+"="+kind, whereVariable+"="+place, leaks.Patience+"=100ms")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestLeaves leaves behind what its environment names: nothing, where it is run as a test.
func TestLeaves(t *testing.T) {
	if kind, ok := kinds[os.Getenv(leaveVariable)]; ok {
		kind.leave(t)
	}
}
