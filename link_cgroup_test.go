package libbpf_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	linkCases = append(linkCases, linkCase{"cgroup", true, func(t *testing.T, as attachAs) attachedLink {
		p := newPlace(t)
		o := load(t, open(t, "cgroup"))
		link, err := as(t, findProgram(t, o, "egress")).AttachCgroup(p.fd(), libbpf.PlacementOptions{})
		check(t, err)
		return attachedLink{
			link: link, act: func(t *testing.T) { p.Do(func() { sendUDP(t) }) }, hits: counter(t, o, "egress_hits"),
			kind: "cgroup", replacement: findProgram(t, o, "egress_2"), replacementHits: counter(t, o, "egress_hits_2"),
		}
	}})
}

// place is a test's own cgroup and network namespace.
type place struct {
	net    *testutil.Network
	cgroup *testutil.Cgroup
}

func newPlace(t *testing.T) *place {
	t.Helper()
	return &place{testutil.NewNetwork(t), testutil.NewCgroup(t)}
}

func (p *place) fd() int { return int(p.cgroup.Fd()) }

// Do runs f in the namespace and in the cgroup.
func (p *place) Do(f func()) { p.net.Do(func() { p.cgroup.Do(f) }) }

var loopback4 = [4]byte{127, 0, 0, 1}

func socket(t *testing.T, typ int) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, typ|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	t.Cleanup(func() { check(t, unix.Close(fd)) })
	return fd
}

// sendUDP sends a datagram to a socket over the loopback device, and checks that it arrives.
func sendUDP(t *testing.T) {
	t.Helper()
	receiver := socket(t, unix.SOCK_DGRAM)
	check(t, unix.Bind(receiver, &unix.SockaddrInet4{Addr: loopback4}))
	to, err := unix.Getsockname(receiver)
	check(t, err)
	check(t, unix.Sendto(socket(t, unix.SOCK_DGRAM), []byte("x"), 0, to))
	if n, _, err := unix.Recvfrom(receiver, make([]byte, 8), 0); n != 1 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// listen returns a listening TCP socket, and its port.
func listen(t *testing.T) (fd int, port uint32) {
	t.Helper()
	fd = socket(t, unix.SOCK_STREAM)
	check(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback4}))
	check(t, unix.Listen(fd, 8))
	address, err := unix.Getsockname(fd)
	check(t, err)
	return fd, uint32(address.(*unix.SockaddrInet4).Port)
}

func connect(t *testing.T, port uint32) (fd int, err error) {
	t.Helper()
	fd = socket(t, unix.SOCK_STREAM)
	return fd, unix.Connect(fd, &unix.SockaddrInet4{Addr: loopback4, Port: int(port)})
}

func accept(t *testing.T, listener int) int {
	t.Helper()
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	check(t, err)
	t.Cleanup(func() { check(t, unix.Close(fd)) })
	return fd
}

// freePort returns a port on which nobody listens.
func freePort(t *testing.T) uint32 {
	t.Helper()
	fd := socket(t, unix.SOCK_STREAM)
	check(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback4}))
	address, err := unix.Getsockname(fd)
	check(t, err)
	return uint32(address.(*unix.SockaddrInet4).Port)
}

// Each kind of cgroup program runs for events in its cgroup, and no longer after it is detached.
func TestAttachCgroup(t *testing.T) {
	for _, c := range []struct {
		program, hits string
		act           func(t *testing.T)
	}{
		{"egress", "egress_hits", sendUDP},
		{"connect4", "connect_hits", func(t *testing.T) {
			_, port := listen(t)
			_, err := connect(t, port)
			check(t, err)
		}},
		{"bind4", "bind_hits", func(t *testing.T) { freePort(t) }},
		{"sock_create", "sock_create_hits", func(t *testing.T) { socket(t, unix.SOCK_STREAM) }},
		{"sock_ops", "sock_ops_hits", func(t *testing.T) {
			_, port := listen(t)
			_, err := connect(t, port)
			check(t, err)
		}},
		{"getsockopt", "sockopt_hits", func(t *testing.T) {
			_, err := unix.GetsockoptInt(socket(t, unix.SOCK_STREAM), unix.SOL_SOCKET, unix.SO_TYPE)
			check(t, err)
		}},
		{"sysctl", "sysctl_hits", func(t *testing.T) {
			_, err := os.ReadFile("/proc/sys/kernel/ostype")
			check(t, err)
		}},
		{"device", "device_hits", func(t *testing.T) {
			f, err := os.Open(os.DevNull)
			check(t, err)
			check(t, f.Close())
		}},
	} {
		t.Run(c.program, func(t *testing.T) {
			p := newPlace(t)
			o := load(t, open(t, "cgroup"))
			hits := counter(t, o, c.hits)
			act := func() { p.Do(func() { c.act(t) }) }
			if n := grows(hits, act); n != 0 {
				t.Errorf("%d hits before", n)
			}
			link, err := findProgram(t, o, c.program).AttachCgroup(p.fd(), libbpf.PlacementOptions{})
			check(t, err)
			if grows(hits, act) == 0 {
				t.Error("no hit")
			}
			if n := grows(hits, func() { p.net.Do(func() { c.act(t) }) }); n != 0 {
				t.Errorf("%d hits outside of the cgroup", n)
			}
			check(t, link.Close())
			if n := grows(hits, act); n != 0 {
				t.Errorf("%d hits after", n)
			}
		})
	}
}

// A program redirects a connection.
func TestCgroupRedirectsConnections(t *testing.T) {
	p := newPlace(t)
	o := load(t, open(t, "cgroup"))
	p.net.Do(func() {
		listener, port := listen(t)
		from := freePort(t)
		*variable[uint32](t, o, "connect_from") = from
		*variable[uint32](t, o, "connect_to") = port
		link, err := findProgram(t, o, "connect4").AttachCgroup(p.fd(), libbpf.PlacementOptions{})
		check(t, err)
		p.cgroup.Do(func() {
			_, err := connect(t, from)
			check(t, err)
			accept(t, listener)
			check(t, link.Close())
			_, err = connect(t, from)
			wantErr(t, err, unix.ECONNREFUSED)
		})
	})
}

// A program refuses a port.
func TestCgroupRefusesBind(t *testing.T) {
	p := newPlace(t)
	o := load(t, open(t, "cgroup"))
	p.Do(func() {
		port := freePort(t)
		bind := func(port uint32) error {
			return unix.Bind(socket(t, unix.SOCK_DGRAM), &unix.SockaddrInet4{Addr: loopback4, Port: int(port)})
		}
		*variable[uint32](t, o, "bind_deny") = port
		link, err := findProgram(t, o, "bind4").AttachCgroup(p.fd(), libbpf.PlacementOptions{})
		check(t, err)
		wantErr(t, bind(port), unix.EPERM)
		check(t, bind(0))
		check(t, link.Close())
		check(t, bind(port))
	})
}

// The programs of a cgroup run in the order of the options.
func TestCgroupOrder(t *testing.T) {
	p := newPlace(t)
	o := load(t, open(t, "cgroup"))
	first, second := findProgram(t, o, "egress"), findProgram(t, o, "egress_2")
	trail := variable[uint64](t, o, "trail")
	run := func() uint64 {
		*trail = 0
		p.Do(func() { sendUDP(t) })
		return *trail
	}
	link, err := first.AttachCgroup(p.fd(), libbpf.PlacementOptions{})
	check(t, err)
	defer link.Close()
	behind, err := second.AttachCgroup(p.fd(), libbpf.PlacementOptions{})
	check(t, err)
	if got := run(); got != 12 {
		t.Errorf("they ran as %d", got)
	}
	check(t, behind.Close())

	linkID := func(l *libbpf.Link) uint32 {
		info, err := l.Info()
		check(t, err)
		return info.ID
	}
	at := libbpf.Hook{Type: libbpf.AttachTypeCgroupInetEgress, FD: p.fd()}
	for i, c := range []struct {
		name string
		opts libbpf.PlacementOptions
		want uint64
	}{
		{"before all", libbpf.PlacementOptions{Flags: libbpf.AttachBefore}, 21},
		{"after all", libbpf.PlacementOptions{Flags: libbpf.AttachAfter}, 12},
		{"before a link", libbpf.PlacementOptions{
			Flags: libbpf.AttachBefore, RelativeLink: link}, 21},
		{"after a link", libbpf.PlacementOptions{
			Flags: libbpf.AttachAfter, RelativeLink: link}, 12},
		{"before a link's id", libbpf.PlacementOptions{
			Flags: libbpf.AttachBefore, RelativeLinkID: linkID(link)}, 21},
	} {
		link, err := second.AttachCgroup(p.fd(), c.opts)
		if old := (*libbpf.VersionError)(nil); errors.As(err, &old) {
			testutil.Skip(t, "libbpf-1.6", err)
		}
		if i == 0 && errors.Is(err, unix.EINVAL) {
			testutil.Skip(t, "cgroup-order", err)
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := run(); got != c.want {
			t.Errorf("%s: they ran as %d, want %d", c.name, got, c.want)
		}
		check(t, link.Close())
	}
	info, err := at.Query(libbpf.HookQueryOptions{})
	check(t, err)
	if info.Revision == 0 || len(info.Programs) != 1 {
		t.Fatalf("query: %+v", info)
	}
	_, err = second.AttachCgroup(p.fd(), libbpf.PlacementOptions{ExpectedRevision: info.Revision + 1})
	wantErr(t, err, unix.ESTALE)
	current, err := second.AttachCgroup(p.fd(), libbpf.PlacementOptions{ExpectedRevision: info.Revision})
	check(t, err)
	check(t, current.Close())

	// Programs without links stand next to programs, links next to links.
	_, err = second.AttachCgroup(p.fd(), libbpf.PlacementOptions{Flags: libbpf.AttachBefore, RelativeProgram: first})
	wantErr(t, err, unix.EINVAL)
	check(t, link.Close())
	check(t, at.Attach(first, libbpf.HookOptions{Flags: libbpf.AttachAllowMulti}))
	for flag, want := range map[libbpf.AttachFlags]uint64{libbpf.AttachBefore: 21, libbpf.AttachAfter: 12} {
		for _, opts := range []libbpf.HookOptions{{RelativeProgram: first}, {RelativeProgramID: programID(t, first)}, {}} {
			opts.Flags = flag | libbpf.AttachAllowMulti
			check(t, at.Attach(second, opts))
			if got := run(); got != want {
				t.Errorf("%+v: they ran as %d, want %d", opts, got, want)
			}
			check(t, at.Detach(second, libbpf.HookDetachOptions{}))
		}
	}
	check(t, at.Detach(first, libbpf.HookDetachOptions{}))
}

func TestAttachCgroupLSM(t *testing.T) {
	p := newPlace(t)
	open := open(t, "cgroup_lsm")
	loaded, err := open.Load()
	if err != nil {
		testutil.Skip(t, "lsm_cgroup", err)
	}
	defer loaded.Close()
	hits := counter(t, loaded, "hits")
	act := func() { p.Do(func() { socket(t, unix.SOCK_STREAM) }) }
	link, err := findProgram(t, loaded, "post_create").AttachCgroup(p.fd(), libbpf.PlacementOptions{})
	check(t, err)
	if grows(hits, act) == 0 {
		t.Error("no hit")
	}
	check(t, link.Close())
	if n := grows(hits, act); n != 0 {
		t.Errorf("%d hits after", n)
	}
}

func TestAttachCgroupRefusals(t *testing.T) {
	o := load(t, open(t, "cgroup"))
	egress := findProgram(t, o, "egress")
	cgroup := testutil.NewCgroup(t)
	fd := int(cgroup.Fd())
	for _, wrong := range []int{-1, beyondInt32} {
		_, err := egress.AttachCgroup(wrong, libbpf.PlacementOptions{})
		wantErr(t, err, libbpf.ErrInvalid)
	}
	_, err := egress.AttachCgroup(egress.FD(), libbpf.PlacementOptions{}) // not a cgroup's
	wantErr(t, err, unix.EBADF)
	for _, opts := range []libbpf.PlacementOptions{
		{RelativeProgram: egress, RelativeProgramID: 3}, {Flags: 1 << 13},
	} {
		if _, err := egress.AttachCgroup(fd, opts); !errors.Is(err, libbpf.ErrInvalid) && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%+v: %v", opts, err)
		}
	}
	// libbpf would take the descriptor for the number of a device, or for another kind of descriptor.
	xdp := load(t, open(t, "xdp"))
	_, err = findProgram(t, xdp, "pass").AttachCgroup(fd, libbpf.PlacementOptions{})
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = egress.AttachXDP(1, libbpf.XDPLinkOptions{})
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = egress.AttachNetns(fd)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = egress.AttachTCX(1, libbpf.PlacementOptions{})
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = egress.AttachNetfilter(libbpf.NetfilterIPv4, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{})
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = egress.AttachSockmap(findMap(t, o, ".bss"))
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = egress.AttachIter(libbpf.IterOptions{})
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = new(libbpf.Program).AttachCgroup(fd, libbpf.PlacementOptions{})
	wantErr(t, err, libbpf.ErrClosed)
	check(t, o.Close())
	_, err = egress.AttachCgroup(fd, libbpf.PlacementOptions{})
	wantErr(t, err, libbpf.ErrClosed)
}

// Closing the object while its programs are attached to a cgroup and queried does not crash, and leaves nothing
// attached.
func TestAttachCgroupConcurrentClose(t *testing.T) {
	cgroup := testutil.NewCgroup(t)
	at := libbpf.Hook{Type: libbpf.AttachTypeCgroupInetEgress, FD: int(cgroup.Fd())}
	for range 20 {
		o := load(t, open(t, "cgroup"))
		egress := findProgram(t, o, "egress")
		done := make(chan error)
		for range 4 {
			go func() {
				for {
					_, err := egress.AttachCgroup(at.FD, libbpf.PlacementOptions{})
					if err == nil {
						_, err = at.Query(libbpf.HookQueryOptions{})
					}
					if err != nil {
						done <- err
						return
					}
				}
			}()
		}
		eventually(t, "an attachment", func() bool {
			info, err := at.Query(libbpf.HookQueryOptions{})
			check(t, err)
			return len(info.Programs) > 0
		})
		check(t, o.Close())
		for range 4 {
			if err := <-done; !errors.Is(err, libbpf.ErrClosed) && !errors.Is(err, unix.E2BIG) {
				t.Errorf("error %v", err)
			}
		}
		eventually(t, "the links to go", func() bool {
			info, err := at.Query(libbpf.HookQueryOptions{})
			check(t, err)
			return len(info.Programs) == 0
		})
	}
}
