package libbpf_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	linkCases = append(linkCases, linkCase{"tcx", true, func(t *testing.T, as attachAs) attachedLink {
		w := newWire(t)
		o := loadTC(t, libbpf.AttachTypeTCXIngress, "first", "second")
		var link *libbpf.Link
		w.net.Do(func() { link = attachTCX(t, as(t, findProgram(t, o, "first")), w.far, libbpf.PlacementOptions{}) })
		return attachedLink{
			link: link, act: func(*testing.T) { w.pass() }, hits: counter(t, o, "first_hits"), kind: "tcx",
			replacement: findProgram(t, o, "second"), replacementHits: counter(t, o, "second_hits"),
		}
	}})
}

// attachTCX skips the test if the kernel lacks tcx.
func attachTCX(t *testing.T, p attacher, ifindex int, opts libbpf.PlacementOptions) *libbpf.Link {
	t.Helper()
	link, err := p.AttachTCX(ifindex, opts)
	var old *libbpf.VersionError
	switch {
	case errors.As(err, &old):
		testutil.Skip(t, "libbpf-1.3", err)
	case errors.Is(err, errors.ErrUnsupported):
		testutil.Skip(t, "tcx", err)
	}
	check(t, err)
	return link
}

func TestAttachTCX(t *testing.T) {
	for _, direction := range []libbpf.ProgramAttachType{libbpf.AttachTypeTCXIngress, libbpf.AttachTypeTCXEgress} {
		w := newWire(t)
		o := loadTC(t, direction, "first", "drop")
		hits, drops := counter(t, o, "first_hits"), counter(t, o, "drops")
		dev := w.far
		if direction == libbpf.AttachTypeTCXEgress {
			dev = w.near
		}
		w.net.Do(func() {
			link := attachTCX(t, findProgram(t, o, "first"), dev, libbpf.PlacementOptions{})
			w.wantPass(hits, true)
			check(t, link.Close())
			w.wantPass(hits, false)
			link = attachTCX(t, findProgram(t, o, "drop"), dev, libbpf.PlacementOptions{})
			w.lost(drops)
			check(t, link.Detach())
			w.pass()
			check(t, link.Close())
		})
	}
}

// Programs run in the order of the options.
func TestTCXOrder(t *testing.T) {
	w := newWire(t)
	o := loadTC(t, libbpf.AttachTypeTCXIngress, "first", "second")
	first, second := findProgram(t, o, "first"), findProgram(t, o, "second")
	trail := variable[uint64](t, o, "trail")
	at := libbpf.Hook{Type: libbpf.AttachTypeTCXIngress, IfIndex: w.far}
	w.net.Do(func() {
		link := attachTCX(t, first, w.far, libbpf.PlacementOptions{})
		defer link.Close()
		info, err := at.Query(libbpf.HookQueryOptions{})
		check(t, err)
		if len(info.Programs) != 1 || info.Programs[0].ID != programID(t, first) || info.Programs[0].LinkID == 0 ||
			info.Revision == 0 {
			t.Fatalf("query: %+v", info)
		}
		for _, c := range []struct {
			name string
			opts libbpf.PlacementOptions
			want uint64
		}{
			{"after all", libbpf.PlacementOptions{}, 12},
			{"before all", libbpf.PlacementOptions{Flags: libbpf.AttachBefore}, 21},
			{"after a link", libbpf.PlacementOptions{
				Flags: libbpf.AttachAfter, RelativeLink: link}, 12},
			{"before a link", libbpf.PlacementOptions{
				Flags: libbpf.AttachBefore, RelativeLink: link}, 21},
			{"before a link's id", libbpf.PlacementOptions{
				Flags: libbpf.AttachBefore, RelativeLinkID: info.Programs[0].LinkID}, 21},
			{"before a program", libbpf.PlacementOptions{Flags: libbpf.AttachBefore, RelativeProgram: first}, 21},
			{"after a program's id", libbpf.PlacementOptions{
				Flags: libbpf.AttachAfter, RelativeProgramID: info.Programs[0].ID}, 12},
		} {
			link, err := second.AttachTCX(w.far, c.opts)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			*trail = 0
			w.pass()
			if *trail != c.want {
				t.Errorf("%s: they ran as %d, want %d", c.name, *trail, c.want)
			}
			check(t, link.Close())
		}

		info, err = at.Query(libbpf.HookQueryOptions{})
		check(t, err)
		_, err = second.AttachTCX(w.far, libbpf.PlacementOptions{ExpectedRevision: info.Revision + 1})
		wantErr(t, err, unix.ESTALE)
		current, err := second.AttachTCX(w.far, libbpf.PlacementOptions{ExpectedRevision: info.Revision})
		check(t, err)
		check(t, current.Close())
	})
}

func TestTCXRefusals(t *testing.T) {
	o := loadTC(t, libbpf.AttachTypeTCXIngress, "first")
	first := findProgram(t, o, "first")
	n := testutil.NewNetwork(t)
	veth, _ := n.Veth()
	n.Do(func() {
		check(t, attachTCX(t, first, veth, libbpf.PlacementOptions{}).Close())
		for _, ifindex := range []int{0, -1, beyondInt32} {
			_, err := first.AttachTCX(ifindex, libbpf.PlacementOptions{})
			wantErr(t, err, libbpf.ErrInvalid)
		}
		for _, opts := range []libbpf.PlacementOptions{
			{RelativeProgram: first, RelativeProgramID: 1},
			{RelativeProgramID: 1, RelativeLinkID: 1},
			{Flags: 1 << 2},
			{Flags: 1 << 5, RelativeProgram: first},
			{Flags: 1 << 13},
		} {
			_, err := first.AttachTCX(veth, opts)
			wantErr(t, err, libbpf.ErrInvalid)
		}
		_, err := findProgram(t, o, "second").AttachTCX(veth, libbpf.PlacementOptions{}) // it is for clsact
		wantErr(t, err, libbpf.ErrInvalid)
		_, err = first.AttachNetkit(veth, libbpf.PlacementOptions{})
		wantErr(t, err, libbpf.ErrInvalid)
		n.Remove(veth)
		_, err = first.AttachTCX(veth, libbpf.PlacementOptions{})
		wantErr(t, err, unix.ENODEV)
		check(t, o.Close())
		_, err = first.AttachTCX(veth, libbpf.PlacementOptions{})
		wantErr(t, err, libbpf.ErrClosed)
	})
}

// One program is attached to both directions of a device, whatever its section is. A program of section "tc" has no
// direction.
func TestTCXBothDirections(t *testing.T) {
	bpffs := testutil.BPFFS(t)
	for _, section := range []libbpf.ProgramAttachType{0, libbpf.AttachTypeTCXIngress, libbpf.AttachTypeTCXEgress} {
		w := newWire(t)
		o := loadTC(t, section, "first", "second")
		first, hits := findProgram(t, o, "first"), counter(t, o, "first_hits")
		w.net.Do(func() {
			for dev, direction := range map[int]libbpf.ProgramAttachType{
				w.near: libbpf.AttachTypeTCXEgress, w.far: libbpf.AttachTypeTCXIngress,
			} {
				link := attachTCX(t, first, dev, libbpf.PlacementOptions{AttachType: direction})
				info, err := link.Info()
				check(t, err)
				want := libbpf.TCXLinkInfo{IfIndex: uint32(dev), AttachType: direction}
				if info.Detail != want || info.ProgramID != programID(t, first) {
					t.Errorf("section %v: %+v, want %+v", section, info, want)
				}
				w.wantPass(hits, true)
				check(t, link.UpdateProgram(findProgram(t, o, "second")))
				w.wantPass(hits, false)
				check(t, link.Close())
				w.wantPass(hits, false)
			}
			// A link of either direction can be pinned in a folder that does not exist yet, as with libbpf.
			for i, direction := range []libbpf.ProgramAttachType{libbpf.AttachTypeTCXIngress, libbpf.AttachTypeTCXEgress} {
				link := attachTCX(t, first, w.far, libbpf.PlacementOptions{AttachType: direction})
				path := filepath.Join(bpffs, fmt.Sprint(section, i), "link")
				check(t, link.Pin(path))
				check(t, link.Unpin())
				check(t, link.Close())
			}
			both := libbpf.PlacementOptions{AttachType: libbpf.AttachTypeTCXIngress}
			attachTCX(t, first, w.far, both)
			both.AttachType = libbpf.AttachTypeTCXEgress
			attachTCX(t, first, w.far, both)
			at := libbpf.Hook{Type: libbpf.AttachTypeTCXEgress, IfIndex: w.far}
			info, err := at.Query(libbpf.HookQueryOptions{})
			check(t, err)
			if len(info.Programs) != 1 {
				t.Errorf("%+v", info)
			}
			check(t, o.Close()) // closes the links too
			if info, err = at.Query(libbpf.HookQueryOptions{}); err != nil || len(info.Programs) != 0 {
				t.Errorf("after Close of the object: %+v, %v", info, err)
			}
		})
	}
}

func TestTCXDirectionRefusals(t *testing.T) {
	w := newWire(t)
	o := loadTC(t, libbpf.AttachTypeTCXIngress, "first")
	w.net.Do(func() {
		attachTCX(t, findProgram(t, o, "first"), w.far, libbpf.PlacementOptions{})
		_, err := findProgram(t, o, "second").AttachTCX(w.far, libbpf.PlacementOptions{})
		wantErrSaying(t, err, libbpf.ErrInvalid, "AttachType", "known direction", fmt.Sprintf("device %d", w.far))
		_, err = findProgram(t, o, "first").AttachTCX(w.far,
			libbpf.PlacementOptions{AttachType: libbpf.AttachTypeNetkitPeer})
		wantErrSaying(t, err, libbpf.ErrInvalid, "netkit_peer", "tcx_ingress")
		// Placement and refusals for a direction that is not the program's own are the same as for its own.
		_, err = findProgram(t, o, "first").AttachTCX(w.far, libbpf.PlacementOptions{
			AttachType: libbpf.AttachTypeTCXEgress, ExpectedRevision: 1 << 40,
		})
		wantErr(t, err, unix.ESTALE)
	})
}

// Another program or link that was closed is refused, and not what its descriptor is by now.
func TestPlacementAfterClosed(t *testing.T) {
	o := loadTC(t, libbpf.AttachTypeTCXIngress, "first")
	first := findProgram(t, o, "first")
	closed, err := libbpf.ProgramHandleFrom(first)
	check(t, err)
	check(t, closed.Close())
	n := testutil.NewNetwork(t)
	veth, _ := n.Veth()
	n.Do(func() {
		link := attachTCX(t, first, veth, libbpf.PlacementOptions{})
		check(t, link.Close())
		for _, opts := range []libbpf.PlacementOptions{{RelativeProgram: closed}, {RelativeLink: link}} {
			_, err := first.AttachTCX(veth, opts)
			wantErr(t, err, libbpf.ErrClosed)
			hook := libbpf.HookOptions{RelativeProgram: opts.RelativeProgram, RelativeLink: opts.RelativeLink}
			wantErr(t, libbpf.Hook{Type: libbpf.AttachTypeTCXIngress, IfIndex: veth}.Attach(first, hook), libbpf.ErrClosed)
		}
	})
}
