package libbpf_test

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// variable is a variable of a loaded object, in place.
func variable[T any](t testing.TB, o *libbpf.Object, name string) *T {
	t.Helper()
	memory, offset, err := o.GlobalMemory(name)
	check(t, err)
	t.Cleanup(func() { check(t, memory.Close()) })
	v, err := libbpf.MemoryAt[T](memory, offset)
	check(t, err)
	return v
}

// counter reads a variable that programs add to.
func counter(t testing.TB, o *libbpf.Object, name string) func() uint64 {
	t.Helper()
	v := variable[uint64](t, o, name)
	return func() uint64 { return atomic.LoadUint64(v) }
}

// grows runs f, and tells by how much a counter grew.
func grows(count func() uint64, f func()) uint64 {
	before := count()
	f()
	return count() - before
}

// eventually waits until a condition holds, for what the kernel does in its own time.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func programID(t testing.TB, p *libbpf.Program) uint32 {
	t.Helper()
	info, err := p.Info(0)
	check(t, err)
	return info.ID
}

// testProtocol is the EtherType of the tests' frames, which the programs act on, ETH_P_TEST there.
const testProtocol = 0x88b5

// wire is a pair of devices in a namespace of the test's own, and a socket at each end: a frame that is sent on one
// arrives at the other.
type wire struct {
	t                *testing.T
	net              *testutil.Network
	near, far        int // devices
	sender, receiver int // sockets
	sent             uint32
}

func newWire(t *testing.T) *wire {
	t.Helper()
	n := testutil.NewNetwork(t)
	near, far := n.Veth()
	return plug(t, n, near, far)
}

// plug makes the sockets for a pair of devices, and waits until the devices let frames through.
func plug(t *testing.T, n *testutil.Network, near, far int) *wire {
	t.Helper()
	w := &wire{t: t, net: n, near: near, far: far}
	n.Do(func() {
		w.sender = w.socket(near)
		w.receiver = w.socket(far)
	})
	w.setTimeout(10 * time.Millisecond)
	eventually(t, "the devices", func() bool {
		w.send()
		return w.arrives(w.receiver)
	})
	w.setTimeout(30 * time.Second)
	return w
}

func (w *wire) setTimeout(d time.Duration) {
	w.t.Helper()
	timeout := unix.NsecToTimeval(d.Nanoseconds())
	check(w.t, unix.SetsockoptTimeval(w.receiver, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout))
}

func (w *wire) socket(device int) int {
	w.t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	check(w.t, err)
	w.t.Cleanup(func() { check(w.t, unix.Close(fd)) })
	networkOrder := binary.BigEndian.AppendUint16(nil, testProtocol)
	check(w.t, unix.Bind(fd, &unix.SockaddrLinklayer{
		Protocol: binary.NativeEndian.Uint16(networkOrder), Ifindex: device,
	}))
	return fd
}

// send sends one frame. A program at the sender's end may refuse it.
func (w *wire) send() {
	w.t.Helper()
	w.sent++
	frame := make([]byte, 64)
	for i := range 6 {
		frame[i] = 0xff // to everybody
	}
	binary.BigEndian.PutUint16(frame[12:], testProtocol)
	binary.BigEndian.PutUint32(frame[14:], w.sent)
	err := unix.Sendto(w.sender, frame, 0, &unix.SockaddrLinklayer{Ifindex: w.near})
	if err != unix.ENOBUFS {
		check(w.t, err)
	}
}

// pass sends one frame and waits until it has arrived: all that programs did with it is done then.
func (w *wire) pass() {
	w.t.Helper()
	w.send()
	if !w.arrives(w.receiver) {
		w.t.Fatal("the frame did not arrive")
	}
}

// lost sends one frame and waits until a counter tells that a program took it; it must not arrive.
func (w *wire) lost(count func() uint64) {
	w.t.Helper()
	before := count()
	w.send()
	eventually(w.t, "the program", func() bool { return count() == before+1 })
	if n, _, err := unix.Recvfrom(w.receiver, make([]byte, 64), unix.MSG_DONTWAIT); err != unix.EAGAIN {
		w.t.Fatalf("%d bytes arrived, %v", n, err)
	}
}

// arrives waits for the last frame that was sent.
func (w *wire) arrives(socket int) bool {
	w.t.Helper()
	for {
		frame := make([]byte, 64)
		n, _, err := unix.Recvfrom(socket, frame, 0)
		if err == unix.EINTR {
			continue // the runtime's own signals
		}
		if err != nil {
			return false
		}
		if n >= 18 && binary.BigEndian.Uint32(frame[14:]) == w.sent {
			return true
		}
	}
}

// wantPass checks that a counter grows with each frame that passes, or not at all.
func (w *wire) wantPass(count func() uint64, counts bool) {
	w.t.Helper()
	const frames = 3
	grown := grows(count, func() {
		for range frames {
			w.pass()
		}
	})
	if counts && grown != frames || !counts && grown != 0 {
		w.t.Errorf("%d hits of %d frames, want hits %t", grown, frames, counts)
	}
}

// No thread stays in a test's namespace: it is gone with the descriptors of it and of what is in it.
func TestNetworkNamespaceIsLeft(t *testing.T) {
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	check(t, err)
	defer unix.Close(home)
	var before, inside, after unix.Stat_t
	check(t, unix.Fstat(home, &before))
	n := testutil.NewNetwork(t)
	check(t, unix.Fstat(n.FD(), &inside))
	n.Do(func() { check(t, unix.Stat("/proc/thread-self/ns/net", &after)) })
	if after.Ino != inside.Ino || after.Ino == before.Ino {
		t.Errorf("namespace %d in Do, want %d", after.Ino, inside.Ino)
	}
	eventually(t, "the thread that made it to end", func() bool {
		threads, err := testutil.NetworksOfThreads()
		check(t, err)
		return !slices.Contains(slices.Collect(maps.Values(threads)), inside.Ino)
	})
}
