package libbpf_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	linkCases = append(linkCases, linkCase{"xdp", true, func(t *testing.T, as attachAs) attachedLink {
		w := newWire(t)
		first, second := load(t, open(t, "xdp")), load(t, open(t, "xdp"))
		var link *libbpf.Link
		w.net.Do(func() {
			var err error
			link, err = as(t, findProgram(t, first, "pass")).AttachXDP(w.far, libbpf.XDPLinkOptions{})
			check(t, err)
		})
		return attachedLink{
			link: link, act: func(*testing.T) { w.pass() }, hits: counter(t, first, "passed"), kind: "xdp",
			replacement: findProgram(t, second, "pass"), replacementHits: counter(t, second, "passed"),
		}
	}})
}

func TestAttachXDP(t *testing.T) {
	w := newWire(t)
	o := load(t, open(t, "xdp"))
	pass, drop := findProgram(t, o, "pass"), findProgram(t, o, "drop")
	passed, dropped := counter(t, o, "passed"), counter(t, o, "dropped")
	w.net.Do(func() {
		w.wantPass(passed, false)
		link, err := pass.AttachXDP(w.far, libbpf.XDPLinkOptions{})
		check(t, err)
		w.wantPass(passed, true)
		_, err = drop.AttachXDP(w.far, libbpf.XDPLinkOptions{})
		wantErr(t, err, unix.EBUSY)
		check(t, link.UpdateProgram(drop))
		w.lost(dropped)
		check(t, link.Close())
		w.wantPass(passed, false)
	})
}

// The options choose the mode of a link.
func TestAttachXDPMode(t *testing.T) {
	w := newWire(t)
	o := load(t, open(t, "xdp"))
	pass, passed := findProgram(t, o, "pass"), counter(t, o, "passed")
	dev := libbpf.XDP{IfIndex: w.far}
	w.net.Do(func() {
		for mode, want := range map[libbpf.XDPFlags]libbpf.XDPMode{
			0: libbpf.XDPModeDrv, libbpf.XDPDrvMode: libbpf.XDPModeDrv, libbpf.XDPSKBMode: libbpf.XDPModeSKB,
		} {
			link, err := pass.AttachXDP(w.far, libbpf.XDPLinkOptions{Mode: mode})
			if errors.Is(err, errors.ErrUnsupported) {
				testutil.Skip(t, "libbpf-1.3", err)
			}
			check(t, err)
			info, err := dev.Query()
			check(t, err)
			if info.Mode != want || info.ProgramID != programID(t, pass) {
				t.Errorf("mode %#x: %+v", uint32(mode), info)
			}
			w.wantPass(passed, true)
			check(t, link.Close())
			w.wantPass(passed, false)
		}
	})
}

func TestXDPWithoutLink(t *testing.T) {
	w := newWire(t)
	o := load(t, open(t, "xdp"))
	pass, drop := findProgram(t, o, "pass"), findProgram(t, o, "drop")
	passed, dropped := counter(t, o, "passed"), counter(t, o, "dropped")
	dev := libbpf.XDP{IfIndex: w.far}
	want := func(p *libbpf.Program) {
		t.Helper()
		var id uint32
		mode := libbpf.XDPModeNone
		if p != nil {
			id, mode = programID(t, p), libbpf.XDPModeDrv
		}
		info, err := dev.Query()
		check(t, err)
		queried, err := dev.QueryID()
		check(t, err)
		if info.Mode != mode || info.ProgramID != id || info.DrvProgramID != 0 && info.DrvProgramID != id ||
			info.SKBProgramID != 0 || info.HWProgramID != 0 || queried != id {
			t.Errorf("%+v, id %d, want program %d", info, queried, id)
		}
	}
	w.net.Do(func() {
		want(nil)
		check(t, dev.Detach()) // succeeds when nothing is attached
		check(t, dev.Attach(pass))
		want(pass)
		w.wantPass(passed, true)
		wantErr(t, libbpf.XDP{IfIndex: w.far, Flags: libbpf.XDPUpdateIfNoExist}.Attach(drop), unix.EBUSY)
		wantErr(t, libbpf.XDP{IfIndex: w.far, Flags: libbpf.XDPSKBMode}.Attach(drop), os.ErrExist)
		wantErr(t, dev.Replace(pass, drop), os.ErrExist) // drop is not attached
		want(pass)
		check(t, dev.Replace(drop, pass))
		want(drop)
		w.lost(dropped)
		wantErr(t, dev.DetachProgram(pass), os.ErrExist)
		check(t, dev.DetachProgram(drop))
		want(nil)
		w.wantPass(passed, false)

		check(t, dev.Attach(drop))
		check(t, dev.Attach(pass)) // replaces drop
		want(pass)
		check(t, dev.Detach())
		want(nil)
	})
}

// A netlink attachment survives the object, unlike a link.
func TestXDPWithoutLinkSurvives(t *testing.T) {
	w := newWire(t)
	o := load(t, open(t, "xdp"))
	passed, err := libbpf.MapHandleFrom(findMap(t, o, ".bss"))
	check(t, err)
	defer passed.Close()
	dev := libbpf.XDP{IfIndex: w.far}
	w.net.Do(func() {
		check(t, dev.Attach(findProgram(t, o, "pass")))
		check(t, o.Close())
		id, err := dev.QueryID()
		check(t, err)
		if id == 0 {
			t.Error("detached")
		}
		before, err := passed.Lookup(u32(0), libbpf.Any)
		check(t, err)
		w.pass()
		after, err := passed.Lookup(u32(0), libbpf.Any)
		check(t, err)
		if string(before) == string(after) {
			t.Error("no hit")
		}
		check(t, dev.Detach())
	})
}

// A link prevents other attachments to the device.
func TestXDPWithoutLinkBesideALink(t *testing.T) {
	w := newWire(t)
	o := load(t, open(t, "xdp"))
	pass, drop := findProgram(t, o, "pass"), findProgram(t, o, "drop")
	dev := libbpf.XDP{IfIndex: w.far}
	w.net.Do(func() {
		link, err := pass.AttachXDP(w.far, libbpf.XDPLinkOptions{})
		check(t, err)
		defer link.Close()
		wantErr(t, dev.Attach(drop), unix.EBUSY)
		err = dev.Detach()
		wantErr(t, err, unix.EBUSY)
		var failed *libbpf.Error
		if !errors.As(err, &failed) || len(failed.Messages) == 0 {
			t.Errorf("the kernel's reason is missing: %#v", err)
		}
		id, err := libbpf.XDP{IfIndex: w.far, Flags: libbpf.XDPDrvMode}.QueryID()
		check(t, err)
		if id != 0 && id != programID(t, pass) {
			t.Errorf("id %d", id)
		}
	})
}

func TestXDPFeatures(t *testing.T) {
	w := newWire(t)
	w.net.Do(func() {
		info, err := libbpf.XDP{IfIndex: w.far}.Query()
		check(t, err)
		if v := libbpf.Version(); v.Major == 1 && v.Minor < 3 {
			testutil.Skip(t, "libbpf-1.3", errors.New("it does not ask for features"))
		}
		if info.Features == 0 {
			testutil.Skip(t, "xdp-features", errors.New("the kernel does not report them"))
		}
		if info.Features&libbpf.XDPFeatureBasic == 0 || info.Features&libbpf.XDPFeatureHWOffload != 0 {
			t.Errorf("a veth's features are %v", info.Features)
		}
	})
	for features, want := range map[libbpf.XDPFeatures]string{
		0: "0x0", 1: "basic", 3: "basic|redirect", 1<<6 | 1<<7: "ndo_xmit_sg|0x80",
	} {
		if features.String() != want {
			t.Errorf("%d is %q, want %q", features, features, want)
		}
	}
	if libbpf.XDPModeSKB.String() != "skb" || libbpf.XDPMode(9).String() != "mode(9)" {
		t.Errorf("%v, %v", libbpf.XDPModeSKB, libbpf.XDPMode(9))
	}
}

func TestXDPRefusals(t *testing.T) {
	o := load(t, open(t, "xdp"))
	pass := findProgram(t, o, "pass")
	n := testutil.NewNetwork(t)
	veth, _ := n.Veth()
	n.Do(func() {
		for _, ifindex := range []int{0, -1, beyondInt32} {
			_, err := pass.AttachXDP(ifindex, libbpf.XDPLinkOptions{})
			wantErr(t, err, libbpf.ErrInvalid)
			dev := libbpf.XDP{IfIndex: ifindex}
			wantErr(t, dev.Attach(pass), libbpf.ErrInvalid)
			wantErr(t, dev.Replace(pass, pass), libbpf.ErrInvalid)
			wantErr(t, dev.Detach(), libbpf.ErrInvalid)
			_, err = dev.Query()
			wantErr(t, err, libbpf.ErrInvalid)
		}
		for _, flags := range []libbpf.XDPFlags{libbpf.XDPSKBMode | libbpf.XDPDrvMode, 1 << 5} {
			_, err := pass.AttachXDP(veth, libbpf.XDPLinkOptions{Mode: flags})
			wantErr(t, err, libbpf.ErrInvalid)
			dev := libbpf.XDP{IfIndex: veth, Flags: flags}
			wantErr(t, dev.Attach(pass), libbpf.ErrInvalid)
			_, err = dev.QueryID()
			wantErr(t, err, libbpf.ErrInvalid)
		}
		_, err := pass.AttachXDP(veth, libbpf.XDPLinkOptions{Mode: libbpf.XDPReplace})
		wantErr(t, err, libbpf.ErrInvalid)

		// A program is attached already. With and without a mode, the error says so, and only that.
		for _, mode := range []libbpf.XDPFlags{0, libbpf.XDPDrvMode} {
			link, err := pass.AttachXDP(veth, libbpf.XDPLinkOptions{Mode: mode})
			check(t, err)
			_, err = pass.AttachXDP(veth, libbpf.XDPLinkOptions{Mode: mode})
			wantErrSaying(t, err, unix.EBUSY, fmt.Sprintf("XDP of device %d", veth))
			if strings.Contains(err.Error(), "tcx") {
				t.Error(err)
			}
			check(t, link.Close())
		}

		// A device that was removed.
		n.Remove(veth)
		gone := libbpf.XDP{IfIndex: veth}
		_, err = pass.AttachXDP(veth, libbpf.XDPLinkOptions{})
		wantErr(t, err, unix.ENODEV)
		wantErr(t, gone.Attach(pass), unix.ENODEV)
		wantErr(t, gone.Detach(), unix.ENODEV)
		_, err = gone.Query()
		wantErr(t, err, unix.ENODEV)
		_, err = gone.QueryID()
		wantErr(t, err, unix.ENODEV)

		const loopback = 1
		dev := libbpf.XDP{IfIndex: loopback}
		wantErr(t, dev.Attach(nil), libbpf.ErrClosed)
		wantErr(t, dev.Attach(&libbpf.Program{}), libbpf.ErrClosed)
		wantErr(t, dev.Replace(pass, nil), libbpf.ErrClosed)
		wantErr(t, dev.DetachProgram(nil), libbpf.ErrClosed)
		wantErr(t, dev.Attach(findProgram(t, load(t, open(t, "tc")), "first")), libbpf.ErrInvalid)
		check(t, o.Close())
		wantErr(t, dev.Attach(pass), libbpf.ErrClosed)
		_, err = pass.AttachXDP(loopback, libbpf.XDPLinkOptions{})
		wantErr(t, err, libbpf.ErrClosed)
		_, err = new(libbpf.Program).AttachXDP(loopback, libbpf.XDPLinkOptions{})
		wantErr(t, err, libbpf.ErrClosed)
	})
}

// Removing a device detaches its programs. The link remains, attached to nothing.
func TestXDPDeviceVanishes(t *testing.T) {
	o := load(t, open(t, "xdp"))
	n := testutil.NewNetwork(t)
	veth, _ := n.Veth()
	n.Do(func() {
		link, err := findProgram(t, o, "pass").AttachXDP(veth, libbpf.XDPLinkOptions{})
		check(t, err)
		n.Remove(veth)
		wantErr(t, link.UpdateProgram(findProgram(t, o, "drop")), unix.ENOLINK)
		check(t, link.Close())
	})
}
