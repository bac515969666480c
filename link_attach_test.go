package libbpf_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// loadAttach loads attach.bpf.o. Its programs count this process's system calls.
func loadAttach(t testing.TB, change func(*libbpf.OpenObject)) *libbpf.Object {
	o := open(t, "attach")
	check(t, o.SetGlobal("target_tgid", selfTGID(t)))
	if change != nil {
		change(o)
	}
	return load(t, o)
}

// counts returns how often the two programs of attach.bpf.o have run.
func counts(t testing.TB, o *libbpf.Object) (enters, exits uint64) {
	t.Helper()
	bss, err := findMap(t, o, ".bss").Lookup(u32(0), libbpf.Any)
	check(t, err)
	return binary.NativeEndian.Uint64(bss), binary.NativeEndian.Uint64(bss[8:])
}

// hits makes system calls and returns how many each program counted.
func hits(t testing.TB, o *libbpf.Object) (enters, exits uint64) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	e0, x0 := counts(t, o)
	for range 100 {
		_, _ = unix.Getpgid(0)
	}
	e1, x1 := counts(t, o)
	return e1 - e0, x1 - x0
}

// wantNoHitsSoon waits until the programs are detached, which the kernel may do a moment later.
func wantNoHitsSoon(t testing.TB, o *libbpf.Object) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if e, x := hits(t, o); e+x == 0 {
			return
		} else if time.Now().After(end) {
			t.Fatalf("still %d and %d hits", e, x)
		}
	}
}

func wantHits(t testing.TB, o *libbpf.Object, enter, exit bool) {
	t.Helper()
	e, x := hits(t, o)
	if (e >= 100) != enter || (x >= 100) != exit || !enter && e != 0 || !exit && x != 0 {
		t.Errorf("%d and %d hits of 100 calls, want hits %t and %t", e, x, enter, exit)
	}
}

func TestAttachAll(t *testing.T) {
	o := loadAttach(t, nil)
	wantHits(t, o, false, false)
	links, err := o.Attach()
	check(t, err)
	if len(links) != 2 { // section xdp names no device
		t.Fatalf("%d links", len(links))
	}
	wantHits(t, o, true, true)
	check(t, links[0].Close())
	wantHits(t, o, false, true)
	check(t, links[0].Close())
	check(t, links[1].Close())
	wantHits(t, o, false, false)
}

func TestAttachAllHonoursAutoattach(t *testing.T) {
	o := loadAttach(t, func(o *libbpf.OpenObject) {
		p, err := o.Program("on_enter")
		check(t, err)
		check(t, p.SetAutoattach(false))
	})
	links, err := o.Attach()
	check(t, err)
	if len(links) != 1 {
		t.Fatalf("%d links", len(links))
	}
	wantHits(t, o, false, true)
}

// When a program can't be attached, Attach detaches the programs before it.
func TestAttachAllUndoes(t *testing.T) {
	o := loadAttach(t, func(o *libbpf.OpenObject) {
		p, err := o.Program("nowhere")
		check(t, err)
		check(t, p.SetAutoload(true))
	})
	links, err := o.Attach()
	wantErr(t, err, os.ErrNotExist)
	if links != nil {
		t.Errorf("links %v", links)
	}
	var failed *libbpf.Error
	if !errors.As(err, &failed) || failed.Object != `program "nowhere"` || len(failed.Messages) == 0 {
		t.Errorf("error %#v", err)
	}
	wantHits(t, o, false, false)
}

func TestAttachProgram(t *testing.T) {
	o := loadAttach(t, nil)
	p, err := o.Program("on_enter")
	check(t, err)
	link, err := p.Attach()
	check(t, err)
	wantHits(t, o, true, false)
	if link.FD() < 0 {
		t.Errorf("fd %d", link.FD())
	}
	check(t, link.Close())
	wantHits(t, o, false, false)
	wantErr(t, link.Detach(), libbpf.ErrClosed)
	if link.FD() != -1 {
		t.Errorf("fd %d after Close", link.FD())
	}
	p, err = o.Program("anywhere")
	check(t, err)
	_, err = p.Attach()
	wantErr(t, err, errors.ErrUnsupported)
}

// Close of the object closes links that the caller did not close.
func TestObjectCloseDetaches(t *testing.T) {
	o := loadAttach(t, nil)
	bss, err := libbpf.MapHandleFrom(findMap(t, o, ".bss"))
	check(t, err)
	defer bss.Close()
	links, err := o.Attach()
	check(t, err)
	check(t, o.Close())
	read := func() uint64 {
		value, err := bss.Lookup(u32(0), libbpf.Any)
		check(t, err)
		return binary.NativeEndian.Uint64(value)
	}
	before := read()
	for range 100 {
		_, _ = unix.Getpgid(0)
	}
	if after := read(); after != before {
		t.Errorf("%d hits after Close", after-before)
	}
	for _, link := range links {
		wantErr(t, link.Detach(), libbpf.ErrClosed)
		check(t, link.Close())
	}
}

func TestLinkPin(t *testing.T) {
	pins := testutil.BPFFS(t)
	path := filepath.Join(pins, "link")
	o := loadAttach(t, nil)
	p, err := o.Program("on_enter")
	check(t, err)
	link, err := p.Attach()
	check(t, err)
	if link.PinPath() != "" {
		t.Errorf("pinned at %q", link.PinPath())
	}
	check(t, link.Pin(path))
	if link.PinPath() != path {
		t.Errorf("pinned at %q", link.PinPath())
	}
	wantErr(t, link.Pin("a\x00b"), libbpf.ErrInvalid)
	check(t, link.Close())
	wantHits(t, o, true, false)

	opened, err := libbpf.LinkFromPinnedPath(path)
	check(t, err)
	if opened.PinPath() != path {
		t.Errorf("opened link is pinned at %q", opened.PinPath())
	}
	check(t, opened.Unpin())
	wantHits(t, o, true, false)
	check(t, opened.Close())
	// Up to about Linux 6.6, the file system releases the link only after an RCU grace period.
	wantNoHitsSoon(t, o)
	_, err = libbpf.LinkFromPinnedPath(path)
	wantErr(t, err, os.ErrNotExist)
	_, err = libbpf.LinkFromPinnedPath("a\x00b")
	wantErr(t, err, libbpf.ErrInvalid)
}

func TestLinkDetach(t *testing.T) {
	o := loadAttach(t, nil)
	p, err := o.Program("on_enter")
	check(t, err)
	link, err := p.Attach()
	check(t, err)
	defer link.Close()
	// The kernel can't detach tracing links: they end when their descriptors are closed.
	wantErr(t, link.Detach(), errors.ErrUnsupported)
	wantHits(t, o, true, false)
}

func TestLinkDisconnect(t *testing.T) {
	o := loadAttach(t, nil)
	p, err := o.Program("on_enter")
	check(t, err)
	link, err := p.Attach()
	check(t, err)
	fd := link.FD()
	check(t, link.Disconnect())
	check(t, link.Close())
	wantHits(t, o, true, false)
	check(t, unix.Close(fd))
	wantHits(t, o, false, false)
}

func TestPinProgram(t *testing.T) {
	pins := testutil.BPFFS(t)
	path := filepath.Join(pins, "program")
	p, err := loadAttach(t, nil).Program("on_enter")
	check(t, err)
	check(t, p.Pin(path))
	wantErr(t, p.Pin(path), os.ErrExist)
	wantErr(t, p.Pin("a\x00b"), libbpf.ErrInvalid)
	check(t, p.Unpin(path))
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Unpin: %v", err)
	}
}

// registered reports whether the kernel knows the TCP congestion control of struct_ops.bpf.o.
func registered(t *testing.T) bool {
	t.Helper()
	known, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	check(t, err)
	return slices.Contains(strings.Fields(string(known)), "libbpf_go")
}

// loadCongestion loads struct_ops.bpf.o, and does not register it.
func loadCongestion(t *testing.T) *libbpf.Object {
	t.Helper()
	o, _ := openCongestion(t)
	return loadStructOps(t, o)
}

// openCongestion opens struct_ops.bpf.o.
func openCongestion(t *testing.T) (*libbpf.OpenObject, *libbpf.OpenMap) {
	t.Helper()
	o := open(t, "struct_ops")
	m, err := o.Map("congestion")
	if v := libbpf.Version(); errors.Is(err, libbpf.ErrNotFound) && v.Major == 1 && v.Minor < 2 {
		testutil.Skip(t, "libbpf-1.2", err) // it does not know the section
	}
	check(t, err)
	return o, m
}

// loadStructOps loads an object with maps in ".struct_ops.link".
func loadStructOps(t *testing.T, o *libbpf.OpenObject) *libbpf.Object {
	t.Helper()
	testutil.Root(t)
	loaded, err := o.Load()
	if err != nil && testutil.Refused(err) { // the map's flag for links, or struct_ops itself
		testutil.Skip(t, "struct_ops-link", err)
	}
	check(t, err)
	t.Cleanup(func() { check(t, loaded.Close()) })
	return loaded
}

func TestStructOps(t *testing.T) {
	o := loadCongestion(t)
	links, err := o.Attach()
	check(t, err)
	if len(links) != 1 || !registered(t) {
		t.Fatalf("%d links, registered %t", len(links), registered(t))
	}
	check(t, links[0].Close())
	if registered(t) {
		t.Error("registered after Close")
	}
	link, err := findMap(t, o, "congestion").AttachStructOps()
	check(t, err)
	if !registered(t) {
		t.Error("not registered")
	}
	check(t, o.Close())
	if registered(t) {
		t.Error("registered after Close of the object")
	}
	wantErr(t, link.Detach(), libbpf.ErrClosed)

	_, err = findMap(t, loadMaps(t), "hash").AttachStructOps()
	wantErr(t, err, unix.EINVAL)
}

func TestStructOpsAutoattach(t *testing.T) {
	open, m := openCongestion(t)
	if on, err := m.Autoattach(); !on || err != nil {
		t.Errorf("autoattach %t, %v", on, err)
	}
	if err := m.SetAutoattach(false); errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "libbpf-1.5", err)
	} else {
		check(t, err)
	}
	wantErr(t, m.SetType(libbpf.MapTypeHash), libbpf.ErrInvalid)
	links, err := loadStructOps(t, open).Attach()
	check(t, err)
	if len(links) != 0 || registered(t) {
		t.Errorf("%d links, registered %t", len(links), registered(t))
	}
}
