package libbpf_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	linkCases = append(linkCases, linkCase{"netns (sk_lookup)", true, func(t *testing.T, as attachAs) attachedLink {
		s := newSteering(t)
		link, err := as(t, findProgram(t, s.o, "lookup")).AttachNetns(s.net.FD())
		check(t, err)
		return attachedLink{
			link: link, act: s.connect, hits: counter(t, s.o, "lookup_hits"), kind: "netns",
			replacement: findProgram(t, s.o, "lookup_2"), replacementHits: counter(t, s.o, "lookup_hits_2"),
		}
	}}, linkCase{"netns (flow_dissector)", true, func(t *testing.T, as attachAs) attachedLink {
		n := testutil.NewNetwork(t)
		o := load(t, open(t, "sockets"))
		link, err := as(t, findProgram(t, o, "dissect")).AttachNetns(n.FD())
		check(t, err)
		w := newDissected(t, n)
		return attachedLink{
			link: link, act: w, hits: counter(t, o, "dissector_hits"), kind: "netns",
			replacement: findProgram(t, o, "dissect_2"), replacementHits: counter(t, o, "dissector_hits_2"),
		}
	}})
}

// steering is a namespace in which connections to a port without a listener can be redirected to a listener on another
// port.
type steering struct {
	net      *testutil.Network
	o        *libbpf.Object
	listener int
	port     uint32
}

func newSteering(t *testing.T) *steering {
	t.Helper()
	s := &steering{net: testutil.NewNetwork(t), o: load(t, open(t, "sockets"))}
	s.net.Do(func() {
		s.listener, _ = listen(t)
		s.port = freePort(t)
	})
	*variable[uint32](t, s.o, "steered_port") = s.port
	check(t, findMap(t, s.o, "listeners").Update(u32(0), u64(uint64(s.listener)), libbpf.Any))
	return s
}

// connect tries to connect. It succeeds only if a program redirects it.
func (s *steering) connect(t *testing.T) {
	t.Helper()
	s.net.Do(func() { _, _ = connect(t, s.port) })
}

// newDissected returns a function that makes the flow dissector of a namespace run. It sends a raw packet, whose
// headers the kernel has to find.
func newDissected(t *testing.T, n *testutil.Network) func(*testing.T) {
	t.Helper()
	near, far := n.Veth()
	w := plug(t, n, near, far)
	return func(*testing.T) { n.Do(w.pass) }
}

func TestAttachNetnsSocketLookup(t *testing.T) {
	s := newSteering(t)
	hits := counter(t, s.o, "lookup_hits")
	s.net.Do(func() {
		_, err := connect(t, s.port)
		wantErr(t, err, unix.ECONNREFUSED)
		link, err := findProgram(t, s.o, "lookup").AttachNetns(s.net.FD())
		check(t, err)
		if n := grows(hits, func() {
			_, err := connect(t, s.port)
			check(t, err)
		}); n == 0 {
			t.Error("no hit")
		}
		accept(t, s.listener)
		// The second program runs after the first.
		second, err := findProgram(t, s.o, "lookup_2").AttachNetns(s.net.FD())
		check(t, err)
		info, err := libbpf.Hook{Type: libbpf.AttachTypeSKLookup, FD: s.net.FD()}.Query(libbpf.HookQueryOptions{})
		check(t, err)
		if len(info.Programs) != 2 || info.Programs[0].ID != programID(t, findProgram(t, s.o, "lookup")) {
			t.Errorf("query: %+v", info)
		}
		check(t, second.Close())
		check(t, link.Close())
		if n := grows(hits, func() {
			_, err = connect(t, s.port)
			wantErr(t, err, unix.ECONNREFUSED)
		}); n != 0 {
			t.Errorf("%d hits after", n)
		}
	})
}

func TestAttachNetnsFlowDissector(t *testing.T) {
	n := testutil.NewNetwork(t)
	o := load(t, open(t, "sockets"))
	hits := counter(t, o, "dissector_hits")
	link, err := findProgram(t, o, "dissect").AttachNetns(n.FD())
	check(t, err)
	_, err = findProgram(t, o, "dissect_2").AttachNetns(n.FD())
	wantErr(t, err, unix.E2BIG)
	act := newDissected(t, n)
	if grows(hits, func() { act(t) }) == 0 {
		t.Error("no hit")
	}
	check(t, link.Close())
	if n := grows(hits, func() { act(t) }); n != 0 {
		t.Errorf("%d hits after", n)
	}
}

func TestAttachNetnsRefusals(t *testing.T) {
	o := load(t, open(t, "sockets"))
	lookup := findProgram(t, o, "lookup")
	for _, wrong := range []int{-1, beyondInt32} {
		_, err := lookup.AttachNetns(wrong)
		wantErr(t, err, libbpf.ErrInvalid)
	}
	_, err := lookup.AttachNetns(lookup.FD())
	wantErr(t, err, unix.EINVAL)
	n := testutil.NewNetwork(t)
	_, err = findProgram(t, load(t, open(t, "xdp")), "pass").AttachNetns(n.FD())
	wantErr(t, err, libbpf.ErrInvalid)
	check(t, o.Close())
	_, err = lookup.AttachNetns(n.FD())
	wantErr(t, err, libbpf.ErrClosed)
}
