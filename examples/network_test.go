//go:build !race

package examples

import (
	"net"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// startIn starts an example in a network namespace.
func startIn(t *testing.T, network *testutil.Network, cmd *exec.Cmd) *example {
	t.Helper()
	var e *example
	network.Do(func() { e = startCommand(t, cmd) })
	return e
}

// nameIn is the name of a device of a network namespace.
func nameIn(t *testing.T, network *testutil.Network, index int) string {
	t.Helper()
	var device *net.Interface
	network.Do(func() {
		var err error
		device, err = net.InterfaceByIndex(index)
		testutil.Check(t, err)
	})
	return device.Name
}

// sendFrames returns a function that sends an Ethernet frame over a device.
func sendFrames(t *testing.T, network *testutil.Network, index int) func(frame []byte) {
	t.Helper()
	socket := -1
	network.Do(func() {
		var err error
		socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		testutil.Check(t, err)
	})
	t.Cleanup(func() { _ = unix.Close(socket) })
	return func(frame []byte) {
		t.Helper()
		testutil.Check(t, unix.Sendto(socket, frame, 0, &unix.SockaddrLinklayer{Ifindex: index}))
	}
}
