package libbpf_test

import (
	"errors"
	"math"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	linkCases = append(linkCases, linkCase{"netfilter", true, func(t *testing.T, as attachAs) attachedLink {
		o := loadNetfilter(t)
		n := testutil.NewNetwork(t)
		var link *libbpf.Link
		n.Do(func() {
			var err error
			link, err = as(t, findProgram(t, o, "accept")).AttachNetfilter(
				libbpf.NetfilterIPv4, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{})
			check(t, err)
		})
		return attachedLink{
			link: link, act: func(t *testing.T) { n.Do(func() { sendUDP(t) }) }, hits: counter(t, o, "accepted"),
			kind: "netfilter",
		}
	}})
}

// loadNetfilter skips the test if libbpf or the kernel lacks netfilter programs.
func loadNetfilter(t *testing.T) *libbpf.Object {
	t.Helper()
	if v := libbpf.Version(); v.Major == 1 && v.Minor < 3 {
		testutil.Skip(t, "libbpf-1.3", errors.New("no netfilter programs"))
	}
	o, err := open(t, "netfilter").Load()
	if err != nil {
		wantErr(t, err, unix.EINVAL)
		testutil.Skip(t, "netfilter", err)
	}
	t.Cleanup(func() { check(t, o.Close()) })
	return o
}

func TestAttachNetfilter(t *testing.T) {
	o := loadNetfilter(t)
	accept, drop := findProgram(t, o, "accept"), findProgram(t, o, "drop")
	accepted, dropped := counter(t, o, "accepted"), counter(t, o, "dropped")
	testutil.NewNetwork(t).Do(func() {
		for _, hook := range []libbpf.NetfilterHook{
			libbpf.NetfilterPreRouting, libbpf.NetfilterLocalIn, libbpf.NetfilterLocalOut, libbpf.NetfilterPostRouting,
		} {
			link, err := accept.AttachNetfilter(libbpf.NetfilterIPv4, hook, libbpf.NetfilterOptions{})
			check(t, err)
			if n := grows(accepted, func() { sendUDP(t) }); n != 1 {
				t.Errorf("%v: %d hits of one datagram", hook, n)
			}
			_, err = drop.AttachNetfilter(libbpf.NetfilterIPv4, hook, libbpf.NetfilterOptions{})
			wantErr(t, err, unix.EBUSY)
			check(t, link.Close())
			if n := grows(accepted, func() { sendUDP(t) }); n != 0 {
				t.Errorf("%v: %d hits after Close", hook, n)
			}
		}
		// The programs of a hook run in the order of their priorities.
		behind, err := accept.AttachNetfilter(
			libbpf.NetfilterIPv4, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{Priority: 10})
		check(t, err)
		defer behind.Close()
		first, err := drop.AttachNetfilter(
			libbpf.NetfilterIPv4, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{Priority: -10})
		check(t, err)
		receiver := socket(t, unix.SOCK_DGRAM)
		check(t, unix.Bind(receiver, &unix.SockaddrInet4{Addr: loopback4}))
		to, err := unix.Getsockname(receiver)
		check(t, err)
		info, err := first.Info()
		check(t, err)
		if want := (libbpf.NetfilterLinkInfo{
			Protocol: libbpf.NetfilterIPv4, Hook: libbpf.NetfilterLocalIn, Priority: -10,
		}); info.Detail != want {
			t.Errorf("info %+v", info)
		}
		if n := grows(accepted, func() {
			if n := grows(dropped, func() {
				check(t, unix.Sendto(socket(t, unix.SOCK_DGRAM), []byte("x"), 0, to))
				eventually(t, "the program", func() bool { return dropped() > 0 })
			}); n != 1 {
				t.Errorf("%d drops", n)
			}
		}); n != 0 {
			t.Errorf("%d hits after the drop", n)
		}
		if _, _, err := unix.Recvfrom(receiver, make([]byte, 8), unix.MSG_DONTWAIT); err != unix.EAGAIN {
			t.Errorf("received what was dropped: %v", err)
		}
		check(t, first.Close())
		sendUDP(t)
	})
}

func TestAttachNetfilterDefragmented(t *testing.T) {
	o := loadNetfilter(t)
	hits := counter(t, o, "accepted")
	testutil.NewNetwork(t).Do(func() {
		link, err := findProgram(t, o, "accept").AttachNetfilter(libbpf.NetfilterIPv4, libbpf.NetfilterPreRouting,
			libbpf.NetfilterOptions{Flags: libbpf.NetfilterIPDefrag})
		if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOENT) {
			testutil.Skip(t, "netfilter-defrag", err)
		}
		check(t, err)
		if n := grows(hits, func() { sendUDP(t) }); n != 1 {
			t.Errorf("%d hits", n)
		}
		check(t, link.Close())
	})
}

func TestAttachNetfilterRefusals(t *testing.T) {
	o := loadNetfilter(t)
	accept := findProgram(t, o, "accept")
	testutil.NewNetwork(t).Do(func() {
		for _, c := range []struct {
			protocol libbpf.NetfilterProtocol
			hook     libbpf.NetfilterHook
			opts     libbpf.NetfilterOptions
		}{
			{0, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{}},
			{7, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{}},
			{libbpf.NetfilterIPv4, libbpf.NetfilterPostRouting + 1, libbpf.NetfilterOptions{}},
			{libbpf.NetfilterIPv4, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{Priority: math.MinInt32}},
			{libbpf.NetfilterIPv4, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{Priority: math.MaxInt32}},
			{libbpf.NetfilterIPv6, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{Flags: 2}},
			{libbpf.NetfilterIPv6, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{
				Flags: libbpf.NetfilterIPDefrag, Priority: -400}},
		} {
			_, err := accept.AttachNetfilter(c.protocol, c.hook, c.opts)
			wantErr(t, err, libbpf.ErrInvalid)
		}
		check(t, o.Close())
		_, err := accept.AttachNetfilter(libbpf.NetfilterIPv4, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{})
		wantErr(t, err, libbpf.ErrClosed)
	})
	for name, got := range map[string]string{
		"ipv4": libbpf.NetfilterIPv4.String(), "protocol(7)": libbpf.NetfilterProtocol(7).String(),
		"forward": libbpf.NetfilterForward.String(), "hook(9)": libbpf.NetfilterHook(9).String(),
	} {
		if name != got {
			t.Errorf("%q, want %q", got, name)
		}
	}
}
