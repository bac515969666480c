package libbpf_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// A filter decides how many bytes of each packet arrive. The socket keeps the filter until it is detached.
func TestSocketFilter(t *testing.T) {
	testutil.Root(t)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	arrives := func(want int) {
		t.Helper()
		_, err := unix.Write(pair[0], make([]byte, 10))
		if want == 0 && err != nil {
			return // the sender gets an error
		}
		check(t, err)
		buffer := make([]byte, 100)
		n, err := unix.Read(pair[1], buffer)
		if want == 0 && err == unix.EAGAIN {
			return
		}
		if err != nil || n != want {
			t.Fatalf("%d bytes arrived, %v, want %d", n, err, want)
		}
	}
	arrives(10)
	four := loadProgram(t, libbpf.ProgramTypeSocketFilter, returns(4), libbpf.ProgramLoadOptions{})
	check(t, libbpf.AttachSocketFilter(pair[1], four))
	check(t, four.Close()) // the socket keeps it
	arrives(4)
	none := loadProgram(t, libbpf.ProgramTypeSocketFilter, returns(0), libbpf.ProgramLoadOptions{})
	check(t, libbpf.AttachSocketFilter(pair[1], none))
	arrives(0)
	check(t, libbpf.DetachSocketFilter(pair[1]))
	arrives(10)
	wantErr(t, libbpf.DetachSocketFilter(pair[1]), os.ErrNotExist)

	wantErr(t, libbpf.AttachSocketFilter(pair[1], four), libbpf.ErrClosed)
	wantErr(t, libbpf.AttachSocketFilter(pair[1], nil), libbpf.ErrClosed)
	wantErr(t, libbpf.AttachSocketFilter(-1, none), unix.EBADF)
	xdp := loadProgram(t, libbpf.ProgramTypeXDP, returns(2), libbpf.ProgramLoadOptions{})
	wantErr(t, libbpf.AttachSocketFilter(pair[1], xdp), libbpf.ErrInvalid)
}

// A program chooses which socket of a shared port gets a packet.
func TestReusePort(t *testing.T) {
	testutil.Root(t)
	network := testutil.NewNetwork(t)
	var sockets [2]int
	var client, port int
	network.Do(func() {
		for i := range sockets {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			check(t, err)
			t.Cleanup(func() { _ = unix.Close(fd) })
			check(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
			check(t, unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
			at, err := unix.Getsockname(fd)
			check(t, err)
			port, sockets[i] = at.(*unix.SockaddrInet4).Port, fd
		}
		var err error
		client, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		check(t, err)
		t.Cleanup(func() { _ = unix.Close(client) })
	})
	for index := range sockets {
		p := loadProgram(t, libbpf.ProgramTypeSocketFilter, returns(int32(index)), libbpf.ProgramLoadOptions{})
		check(t, libbpf.AttachReusePort(sockets[0], p))
		for range 10 {
			check(t, unix.Sendto(client, []byte{1}, 0, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
			if n, err := unix.Read(sockets[index], make([]byte, 10)); n != 1 || err != nil {
				t.Fatalf("socket %d received %d bytes, %v", index, n, err)
			}
		}
	}
	check(t, libbpf.DetachReusePort(sockets[0]))
	wantErr(t, libbpf.DetachReusePort(sockets[0]), os.ErrNotExist)
}
