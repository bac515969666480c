package libbpf_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	linkCases = append(linkCases, linkCase{"sockmap", true, func(t *testing.T, as attachAs) attachedLink {
		p := newPipes(t)
		link := attachSockmap(t, as(t, findProgram(t, p.o, "verdict")), p.m)
		return attachedLink{
			link: link, act: func(t *testing.T) {
				p.insert()
				p.send()
				p.wait()
			}, hits: counter(t, p.o, "verdict_hits"), kind: "sockmap",
			replacement: findProgram(t, p.o, "verdict_2"), replacementHits: counter(t, p.o, "verdict_hits_2"),
		}
	}})
}

func attachSockmap(t *testing.T, p attacher, m libbpf.MapCore) *libbpf.Link {
	t.Helper()
	link, err := p.AttachSockmap(m)
	var old *libbpf.VersionError
	switch {
	case errors.As(err, &old):
		testutil.Skip(t, "libbpf-1.5", err)
	case errors.Is(err, errors.ErrUnsupported):
		testutil.Skip(t, "sockmap-link", err)
	}
	check(t, err)
	return link
}

// pipes are two TCP connections. The programs redirect what arrives at the end of the first to the end of the second.
type pipes struct {
	t           *testing.T
	o           *libbpf.Object
	m           *libbpf.Map
	in, inEnd   int // what is sent on in arrives at inEnd
	out, outEnd int
	sent        byte
}

func newPipes(t *testing.T) *pipes {
	t.Helper()
	p := &pipes{t: t, o: load(t, open(t, "sockets"))}
	p.m = findMap(t, p.o, "streams")
	pair := func() (a, b int) {
		listener, port := listen(t)
		a, err := connect(t, port)
		check(t, err)
		return a, accept(t, listener)
	}
	testutil.NewNetwork(t).Do(func() {
		p.in, p.inEnd = pair()
		p.out, p.outEnd = pair()
	})
	return p
}

// insert adds the sockets to the map: programs run for sockets that are added after the attachment.
func (p *pipes) insert() {
	p.t.Helper()
	_ = p.m.Delete(u32(0))
	_ = p.m.Delete(u32(1))
	check(p.t, p.m.Update(u32(0), u64(uint64(p.inEnd)), libbpf.Any))
	check(p.t, p.m.Update(u32(1), u64(uint64(p.out)), libbpf.Any))
}

func (p *pipes) send() {
	p.t.Helper()
	p.sent++
	check(p.t, unix.Sendto(p.in, []byte{p.sent}, 0, nil))
}

// wait returns where the sent byte arrives: at inEnd or, redirected by the map, at outEnd.
func (p *pipes) wait() int {
	p.t.Helper()
	fds := []unix.PollFd{{Fd: int32(p.inEnd), Events: unix.POLLIN}, {Fd: int32(p.outEnd), Events: unix.POLLIN}}
	var at int
	eventually(p.t, "the byte", func() bool {
		_, _ = unix.Poll(fds, 100)
		for _, fd := range fds {
			b := make([]byte, 8)
			n, _, err := unix.Recvfrom(int(fd.Fd), b, unix.MSG_DONTWAIT)
			if err == nil && n == 1 && b[0] == p.sent {
				at = int(fd.Fd)
				return true
			}
		}
		return false
	})
	return at
}

func TestAttachSockmap(t *testing.T) {
	p := newPipes(t)
	verdict := findProgram(t, p.o, "verdict")
	hits := counter(t, p.o, "verdict_hits")
	p.insert()
	p.send()
	if p.wait() != p.inEnd {
		t.Error("redirected without a program")
	}
	link := attachSockmap(t, verdict, p.m)
	_, err := findProgram(t, p.o, "verdict_2").AttachSockmap(p.m)
	wantErr(t, err, unix.EBUSY)
	p.insert()
	if n := grows(hits, func() {
		p.send()
		if p.wait() != p.outEnd {
			t.Error("not redirected")
		}
	}); n != 1 {
		t.Errorf("%d hits", n)
	}
	check(t, link.Close())
	p.insert()
	if n := grows(hits, func() {
		p.send()
		if p.wait() != p.inEnd {
			t.Error("redirected after Close")
		}
	}); n != 0 {
		t.Errorf("%d hits after Close", n)
	}
}

func TestAttachSockmapMessages(t *testing.T) {
	p := newPipes(t)
	hits := counter(t, p.o, "msg_hits")
	send := func() {
		p.t.Helper()
		check(t, unix.Sendto(p.out, []byte("x"), 0, nil))
		_, _, err := unix.Recvfrom(p.outEnd, make([]byte, 8), 0)
		check(t, err)
	}
	link := attachSockmap(t, findProgram(t, p.o, "msg"), p.m)
	p.insert()
	if n := grows(hits, send); n != 1 {
		t.Errorf("%d hits", n)
	}
	check(t, link.Close())
	p.insert()
	if n := grows(hits, send); n != 0 {
		t.Errorf("%d hits after Close", n)
	}
}

func TestAttachSockmapRefusals(t *testing.T) {
	o := load(t, open(t, "sockets"))
	verdict, streams := findProgram(t, o, "verdict"), findMap(t, o, "streams")
	for _, m := range []libbpf.MapCore{findMap(t, o, ".bss"), nil, new(libbpf.Map)} {
		_, err := verdict.AttachSockmap(m)
		if !errors.Is(err, libbpf.ErrInvalid) && !errors.Is(err, libbpf.ErrClosed) {
			t.Errorf("error %v", err)
		}
	}
	_, err := findProgram(t, o, "lookup").AttachSockmap(streams)
	wantErr(t, err, libbpf.ErrInvalid)
	closed, err := libbpf.MapHandleFrom(streams)
	check(t, err)
	check(t, closed.Close())
	_, err = verdict.AttachSockmap(closed)
	wantErr(t, err, libbpf.ErrClosed)
	check(t, o.Close())
	_, err = verdict.AttachSockmap(streams)
	wantErr(t, err, libbpf.ErrClosed)
}
