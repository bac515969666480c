package libbpf_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	linkCases = append(linkCases, linkCase{"netkit", true, func(t *testing.T, as attachAs) attachedLink {
		w := newNetkit(t)
		o := loadTC(t, libbpf.AttachTypeNetkitPrimary, "first", "second")
		var link *libbpf.Link
		w.net.Do(func() { link = attachNetkit(t, as(t, findProgram(t, o, "first")), w.near, libbpf.PlacementOptions{}) })
		return attachedLink{
			link: link, act: func(*testing.T) { w.net.Do(w.pass) }, hits: counter(t, o, "first_hits"), kind: "netkit",
			replacement: findProgram(t, o, "second"), replacementHits: counter(t, o, "second_hits"),
		}
	}})
}

// newNetkit skips the test if the kernel lacks netkit. The near end is the primary device.
func newNetkit(t *testing.T) *wire {
	t.Helper()
	n := testutil.NewNetwork(t)
	primary, peer, err := n.Netkit()
	if errors.Is(err, unix.EOPNOTSUPP) {
		testutil.Skip(t, "netkit", err)
	}
	check(t, err)
	return plug(t, n, primary, peer)
}

func attachNetkit(t *testing.T, p attacher, ifindex int, opts libbpf.PlacementOptions) *libbpf.Link {
	t.Helper()
	link, err := p.AttachNetkit(ifindex, opts)
	if old := (*libbpf.VersionError)(nil); errors.As(err, &old) {
		testutil.Skip(t, "libbpf-1.3", err)
	}
	check(t, err)
	return link
}

func TestAttachNetkit(t *testing.T) {
	w := newNetkit(t)
	o := loadTC(t, libbpf.AttachTypeNetkitPrimary, "first", "drop")
	hits, drops := counter(t, o, "first_hits"), counter(t, o, "drops")
	w.net.Do(func() {
		link := attachNetkit(t, findProgram(t, o, "first"), w.near, libbpf.PlacementOptions{})
		w.wantPass(hits, true)
		dropping := attachNetkit(t, findProgram(t, o, "drop"), w.near, libbpf.PlacementOptions{})
		w.lost(drops)
		check(t, dropping.Close())
		check(t, link.Close())
		w.wantPass(hits, false)
	})
	// Packets that the peer sends.
	o = loadTC(t, libbpf.AttachTypeNetkitPeer, "first")
	hits = counter(t, o, "first_hits")
	back := plug(t, w.net, w.far, w.near)
	w.net.Do(func() {
		link := attachNetkit(t, findProgram(t, o, "first"), w.near, libbpf.PlacementOptions{})
		back.wantPass(hits, true)
		w.wantPass(hits, false)
		check(t, link.Close())
		back.wantPass(hits, false)
	})
}

func TestNetkitOrder(t *testing.T) {
	w := newNetkit(t)
	o := loadTC(t, libbpf.AttachTypeNetkitPrimary, "first", "second")
	first, second := findProgram(t, o, "first"), findProgram(t, o, "second")
	trail := variable[uint64](t, o, "trail")
	w.net.Do(func() {
		link := attachNetkit(t, first, w.near, libbpf.PlacementOptions{})
		defer link.Close()
		for opts, want := range map[libbpf.PlacementOptions]uint64{
			{}:                           12,
			{Flags: libbpf.AttachBefore}: 21,
			{Flags: libbpf.AttachBefore, RelativeLink: link}:                    21,
			{Flags: libbpf.AttachAfter, RelativeProgramID: programID(t, first)}: 12,
		} {
			link, err := second.AttachNetkit(w.near, opts)
			check(t, err)
			*trail = 0
			w.pass()
			if *trail != want {
				t.Errorf("%+v: they ran as %d, want %d", opts, *trail, want)
			}
			check(t, link.Close())
		}
		info, err := libbpf.Hook{Type: libbpf.AttachTypeNetkitPrimary, IfIndex: w.near}.Query(libbpf.HookQueryOptions{})
		check(t, err)
		if len(info.Programs) != 1 || info.Programs[0].ID != programID(t, first) || info.Programs[0].LinkID == 0 {
			t.Errorf("query: %+v", info)
		}
		_, err = second.AttachNetkit(w.near, libbpf.PlacementOptions{ExpectedRevision: info.Revision + 1})
		wantErr(t, err, unix.ESTALE)
	})
}

func TestAttachNetkitRefusals(t *testing.T) {
	o := loadTC(t, libbpf.AttachTypeNetkitPrimary, "first")
	first := findProgram(t, o, "first")
	n := testutil.NewNetwork(t)
	veth, _ := n.Veth()
	n.Do(func() {
		if _, err := first.AttachNetkit(veth, libbpf.PlacementOptions{}); err == nil { // not a netkit device
			t.Error("attached to a veth")
		}
		_, err := first.AttachTCX(veth, libbpf.PlacementOptions{})
		wantErr(t, err, libbpf.ErrInvalid)
		for _, ifindex := range []int{0, -1} {
			_, err := first.AttachNetkit(ifindex, libbpf.PlacementOptions{})
			if !errors.Is(err, libbpf.ErrInvalid) && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("error %v", err)
			}
		}
	})
	check(t, o.Close())
	_, err := first.AttachNetkit(veth, libbpf.PlacementOptions{})
	if !errors.Is(err, libbpf.ErrClosed) && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error %v", err)
	}
}
