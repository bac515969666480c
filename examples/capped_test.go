//go:build !race

package examples

import (
	"io"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestCapped(t *testing.T) {
	t.Parallel()
	cmd := command(t, "capped", "-packets", "3")
	network := testutil.NewNetwork(t)
	e := startIn(t, network, cmd)
	e.waitForFeature("^the congestion control bpf_capped is there",
		"struct_ops-link", "map 'capped': failed to create: -EINVAL")

	onSocket := func(conn syscall.Conn, f func(fd int) error) {
		t.Helper()
		raw, err := conn.SyscallConn()
		testutil.Check(t, err)
		var failed error
		testutil.Check(t, raw.Control(func(fd uintptr) { failed = f(int(fd)) }))
		testutil.Check(t, failed)
	}
	var client, server net.Conn
	network.Do(func() {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		testutil.Check(t, err)
		defer listener.Close()
		client, err = net.Dial("tcp", listener.Addr().String())
		testutil.Check(t, err)
		server, err = listener.Accept()
		testutil.Check(t, err)
	})
	defer client.Close()
	defer server.Close()
	onSocket(client.(syscall.Conn), func(fd int) error {
		return unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "bpf_capped")
	})
	const size = 8 << 20
	done := make(chan error, 1)
	go func() {
		_, err := io.CopyN(io.Discard, server, size)
		done <- err
	}()
	_, err := client.Write(make([]byte, size))
	testutil.Check(t, err)
	testutil.Check(t, <-done)
	onSocket(client.(syscall.Conn), func(fd int) error {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil && (info.Snd_cwnd == 0 || info.Snd_cwnd > 3) {
			t.Errorf("the window has %d packets", info.Snd_cwnd)
		}
		return err
	})
	text := e.interrupt()
	matches(t, text, `^1 connections had it; it held them back [1-9][0-9]* times$`)
}
