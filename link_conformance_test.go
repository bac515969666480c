package libbpf_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/leaks"
)

// linkCases are the kinds of links that TestLinkConformance tests. The tests of each hook add theirs.
var linkCases []linkCase

type linkCase struct {
	name   string
	handle bool // a ProgramHandle can attach to it too
	// attach loads what the case needs, with t.Cleanup to close it, and attaches what as returns for the program. If
	// the kernel lacks the hook, attach calls testutil.Skip.
	attach func(t *testing.T, as attachAs) attachedLink
}

// attacher has the methods that an object's Program and a ProgramHandle share for attaching.
type attacher interface {
	AttachCgroup(cgroup int, opts libbpf.PlacementOptions) (*libbpf.Link, error)
	AttachFreplace(target libbpf.ProgramCore, function string) (*libbpf.Link, error)
	AttachIter(opts libbpf.IterOptions) (*libbpf.Link, error)
	AttachKprobeMulti(opts libbpf.KprobeMultiOptions) (*libbpf.Link, error)
	AttachLSM(opts libbpf.TraceOptions) (*libbpf.Link, error)
	AttachNetfilter(libbpf.NetfilterProtocol, libbpf.NetfilterHook, libbpf.NetfilterOptions) (*libbpf.Link, error)
	AttachNetkit(ifindex int, opts libbpf.PlacementOptions) (*libbpf.Link, error)
	AttachNetns(netns int) (*libbpf.Link, error)
	AttachPerfEvent(fd int, opts libbpf.PerfEventOptions) (*libbpf.Link, error)
	AttachRawTracepoint(name string, opts libbpf.RawTracepointOptions) (*libbpf.Link, error)
	AttachSockmap(m libbpf.MapCore) (*libbpf.Link, error)
	AttachTCX(ifindex int, opts libbpf.PlacementOptions) (*libbpf.Link, error)
	AttachTrace(opts libbpf.TraceOptions) (*libbpf.Link, error)
	AttachUprobeMulti(pid int, binary string, opts libbpf.UprobeMultiOptions) (*libbpf.Link, error)
	AttachXDP(ifindex int, opts libbpf.XDPLinkOptions) (*libbpf.Link, error)
}

// attachAs is asProgram or asHandle.
type attachAs func(t testing.TB, p *libbpf.Program) attacher

func asProgram(_ testing.TB, p *libbpf.Program) attacher { return p }

func asHandle(t testing.TB, p *libbpf.Program) attacher {
	t.Helper()
	h, err := libbpf.ProgramHandleFrom(p)
	check(t, err)
	t.Cleanup(func() { check(t, h.Close()) })
	return h
}

type attachedLink struct {
	link *libbpf.Link
	act  func(t *testing.T) // makes the program run at least once
	hits func() uint64      // how often the program ran
	kind string             // libbpf's name for the type of link, such as "raw_tracepoint"; "" without a link in the kernel

	closeStops bool // Close disables the link's event, even if a pin keeps the link

	// replacement is another program of the same type, for UpdateProgram. It counts in replacementHits. It is nil if
	// the kernel can't replace the program.
	replacement     *libbpf.Program
	replacementHits func() uint64
	// originalMap and replacementMap are the same for a link of struct_ops and UpdateMap.
	originalMap, replacementMap *libbpf.Map
}

func init() {
	linkCases = append(linkCases, linkCase{"struct_ops", false, attachCongestion})
}

// bssUint64 returns a global variable of the object, or 0 when the object is closed.
func bssUint64(o *libbpf.Object, offset int) uint64 {
	m, err := o.Map(".bss")
	if err != nil {
		return 0
	}
	bss, err := m.Lookup(u32(0), libbpf.Any)
	if err != nil {
		return 0
	}
	return binary.NativeEndian.Uint64(bss[offset:])
}

func attachCongestion(t *testing.T, _ attachAs) attachedLink {
	o := loadCongestion(t)
	link, err := findMap(t, o, "congestion").AttachStructOps()
	check(t, err)
	other := loadCongestion(t)
	return attachedLink{
		link: link, kind: "struct_ops",
		act:             func(t *testing.T) { askForCongestion(t, "libbpf_go") },
		hits:            func() uint64 { return bssUint64(o, 0) },
		originalMap:     findMap(t, o, "congestion"),
		replacementMap:  findMap(t, other, "congestion"),
		replacementHits: func() uint64 { return bssUint64(other, 0) },
	}
}

// askForCongestion connects over the loopback device, and sets a congestion control on the connection, which may not
// exist any more.
func askForCongestion(t *testing.T, name string) {
	t.Helper()
	socket := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		check(t, err)
		return fd
	}
	listener := socket()
	defer unix.Close(listener)
	check(t, unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	check(t, unix.Listen(listener, 1))
	to, err := unix.Getsockname(listener)
	check(t, err)
	client := socket()
	defer unix.Close(client)
	check(t, unix.Connect(client, to))
	err = unix.SetsockoptString(client, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
	if !errors.Is(err, unix.ENOENT) { // it is not registered any more
		check(t, err)
	}
}

func TestLinkConformance(t *testing.T) {
	testutil.Root(t)
	for _, c := range linkCases {
		ways := map[string]attachAs{"": asProgram}
		if c.handle {
			ways[" of a handle"] = asHandle
		}
		for way, as := range ways {
			before := leaks.Descriptors()
			t.Run(c.name+way, func(t *testing.T) { conform(t, c.attach(t, as)) })
			if after := leaks.Descriptors(); !maps.Equal(before, after) {
				t.Errorf("%s leaves descriptors open: %s", c.name, cmp.Diff(before, after))
			}
		}
	}
}

// conform tests everything that can be done with a link.
func conform(t *testing.T, a attachedLink) {
	l := a.link
	defer l.Close()
	// An older kernel attaches without a link.
	if a.kind != "" && !kernelHasLinkType(t, a.kind) {
		a.kind = ""
	}
	expectHits(t, "attached", a, true)
	if a.kind == "" {
		conformWithoutLink(t, a)
		return
	}
	if l.FD() < 3 {
		t.Errorf("fd %d", l.FD())
	}
	info, err := l.Info()
	check(t, err)
	if info.Type.String() != a.kind || info.ID == 0 || (info.ProgramID == 0) != (a.kind == "struct_ops") {
		t.Errorf("info %+v, and the kind is %q", info, a.kind)
	}
	if info.ProgramID != 0 {
		p, err := libbpf.ProgramHandleFromID(info.ProgramID)
		check(t, err)
		check(t, p.Close())
	}
	conformUpdate(t, a, info)
	expectHits(t, "after the updates", a, true)
	info, err = l.Info()
	check(t, err)

	path := filepath.Join(testutil.BPFFS(t), "link")
	check(t, l.Pin(path))
	if l.PinPath() != path {
		t.Errorf("pinned at %q", l.PinPath())
	}
	wantErr(t, l.Pin(path+"2"), unix.EBUSY) // a link has one pin
	check(t, l.Close())
	if a.closeStops {
		expectHits(t, "closed and pinned", a, false)
		return
	}
	expectHits(t, "closed and pinned", a, true)
	openElsewhere(t, path, info)
	expectHits(t, "after another process had it open", a, true)

	byID, err := libbpf.LinkFromID(info.ID)
	check(t, err)
	defer byID.Close()
	opened, err := libbpf.LinkFromPinnedPath(path)
	check(t, err)
	defer opened.Close()
	for _, l := range []*libbpf.Link{byID, opened} {
		again, err := l.Info()
		check(t, err)
		if diff := cmp.Diff(info, again); diff != "" {
			t.Errorf("info changed: %s", diff)
		}
	}
	check(t, opened.Unpin())
	check(t, opened.Close())
	expectHits(t, "opened by its id", a, true)
	switch err := byID.Detach(); {
	case err == nil:
		expectHits(t, "detached", a, false)
	case !errors.Is(err, errors.ErrUnsupported):
		t.Errorf("detach: %v", err)
	default:
		expectHits(t, "not detached", a, true)
	}
	check(t, byID.Close())
	waitUntilGone(t, info.ID)
	expectHits(t, "closed", a, false)
	wantErr(t, byID.Detach(), libbpf.ErrClosed)
}

// waitUntilGone waits until the kernel has freed a link that nobody has open: it releases a pin's reference a moment
// later.
func waitUntilGone(t *testing.T, id uint32) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		l, err := libbpf.LinkFromID(id)
		if errors.Is(err, os.ErrNotExist) {
			return
		}
		check(t, err)
		check(t, l.Close())
	}
	t.Error("the link is still there")
}

// conformWithoutLink is for attachments that are not links in the kernel: all but Close must fail.
func conformWithoutLink(t *testing.T, a attachedLink) {
	t.Helper()
	_, err := a.link.Info()
	wantErr(t, err, errors.ErrUnsupported)
	wantErr(t, a.link.Detach(), errors.ErrUnsupported)
	wantErr(t, a.link.Pin(filepath.Join(testutil.BPFFS(t), "link")), errors.ErrUnsupported)
	wantErr(t, a.link.UpdateProgram(anyProgram(t)), errors.ErrUnsupported)
	expectHits(t, "after the refusals", a, true)
	check(t, a.link.Close())
	expectHits(t, "closed", a, false)
}

// conformUpdate replaces the program and restores it, or checks that the kernel refuses.
func conformUpdate(t *testing.T, a attachedLink, info libbpf.LinkInfo) {
	t.Helper()
	l := a.link
	replaced := attachedLink{act: a.act, hits: a.replacementHits}
	wantErr(t, l.UpdateProgram(new(libbpf.Program)), libbpf.ErrClosed)
	wantErr(t, l.UpdateProgram(nil), libbpf.ErrClosed)
	switch {
	case a.replacementMap != nil:
		wantErr(t, l.UpdateProgram(anyProgram(t)), errors.ErrUnsupported)
		check(t, l.UpdateMap(a.replacementMap))
		expectHits(t, "the replacement", replaced, true)
		expectHits(t, "replaced", a, false)
		now, err := l.Info()
		check(t, err)
		if now.ID != info.ID || cmp.Equal(now.Detail, info.Detail) {
			t.Errorf("info after UpdateMap %+v, before %+v", now, info)
		}
		check(t, l.UpdateMap(a.originalMap))
		expectHits(t, "replaced back", replaced, false)
	case a.replacement == nil:
		wantErr(t, l.UpdateProgram(anyProgram(t)), errors.ErrUnsupported)
		wantErr(t, l.UpdateMap(new(libbpf.Map)), libbpf.ErrClosed)
	default:
		original, err := libbpf.ProgramHandleFromID(info.ProgramID)
		check(t, err)
		defer original.Close()
		wantErr(t, l.ReplaceProgram(a.replacement, original), unix.EPERM) // another program is attached
		check(t, l.UpdateProgram(a.replacement))
		expectHits(t, "the replacement", replaced, true)
		expectHits(t, "replaced", a, false)
		now, err := l.Info()
		check(t, err)
		if now.ID != info.ID || now.ProgramID == info.ProgramID {
			t.Errorf("info after UpdateProgram %+v, before %+v", now, info)
		}
		check(t, l.ReplaceProgram(a.replacement, original))
		expectHits(t, "replaced back", replaced, false)
		check(t, l.UpdateProgram(original)) // the same once more
	}
}

// expectHits acts, and checks whether the program ran. If it should not run, the kernel gets a moment: patched kernel
// functions keep the program while tasks are in them.
func expectHits(t *testing.T, when string, a attachedLink, want bool) {
	t.Helper()
	var n uint64
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		before := a.hits()
		a.act(t)
		n = a.hits() - before
		if (n > 0) == want || want || time.Now().After(deadline) {
			break
		}
	}
	if (n > 0) != want {
		t.Errorf("%s: %d hits", when, n)
	}
}

// anyProgram is a program that fits no link but an XDP one.
func anyProgram(t *testing.T) *libbpf.Program {
	t.Helper()
	return findProgram(t, loadTestRun(t, false), "count_packet")
}

// kernelHasLinkType reports whether the kernel knows a type of links.
func kernelHasLinkType(t *testing.T, kind string) bool {
	t.Helper()
	return slices.ContainsFunc(kernelEnum(t, "bpf_link_type"), func(v btf.EnumValue) bool {
		return v.Name == "BPF_LINK_TYPE_"+strings.ToUpper(kind)
	})
}

// openElsewhere opens the link in another process of this binary, by its pin and by its id.
func openElsewhere(t *testing.T, path string, info libbpf.LinkInfo) {
	t.Helper()
	binary, err := os.Executable()
	check(t, err)
	cmd := exec.Command(binary, "-test.run=^TestOpenLinkElsewhere$", "-test.v")
	cmd.Env = append(os.Environ(), "LIBBPF_GO_LINK="+path, fmt.Sprintf("LIBBPF_GO_LINK_ID=%d", info.ID),
		fmt.Sprintf("LIBBPF_GO_LINK_INFO=%+v", info))
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), openedElsewhere) {
		t.Errorf("in another process: %v\n%s", err, out)
	}
}

const openedElsewhere = "opened by its pin and by its id"

// TestOpenLinkElsewhere is the part of openElsewhere in the other process.
func TestOpenLinkElsewhere(t *testing.T) {
	path := os.Getenv("LIBBPF_GO_LINK")
	if path == "" {
		return
	}
	id, err := strconv.ParseUint(os.Getenv("LIBBPF_GO_LINK_ID"), 10, 32)
	check(t, err)
	byPin, err := libbpf.LinkFromPinnedPath(path)
	check(t, err)
	defer byPin.Close()
	byID, err := libbpf.LinkFromID(uint32(id))
	check(t, err)
	defer byID.Close()
	for _, l := range []*libbpf.Link{byPin, byID} {
		info, err := l.Info()
		check(t, err)
		if got, want := fmt.Sprintf("%+v", info), os.Getenv("LIBBPF_GO_LINK_INFO"); got != want {
			t.Errorf("info %s, want %s", got, want)
		}
	}
	t.Log(openedElsewhere)
}
