//go:build !race

package examples

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestCgroupmeter(t *testing.T) {
	cmd := command(t, "cgroupmeter") // not parallel: Cgroup.Do is about the whole process
	network := testutil.NewNetwork(t)
	sender, receiver := testutil.NewCgroup(t), testutil.NewCgroup(t)
	cmd.Args = append(cmd.Args, "-cgroups", filepath.Dir(sender.Name()), "lo")
	e := startIn(t, network, cmd)
	e.waitForFeature("^counting", "tcx", `kfunc 'bpf_rdonly_cast' is referenced but|not supported`)

	var server net.PacketConn
	receiver.Do(func() {
		network.Do(func() {
			var err error
			server, err = net.ListenPacket("udp", "127.0.0.1:0")
			testutil.Check(t, err)
		})
	})
	defer server.Close()
	const packets, size = 5, 100
	sender.Do(func() {
		network.Do(func() {
			client, err := net.Dial("udp", server.LocalAddr().String())
			testutil.Check(t, err)
			defer client.Close()
			for range packets {
				_, err := client.Write(make([]byte, size))
				testutil.Check(t, err)
			}
		})
	})
	buffer := make([]byte, 2*size)
	for range packets {
		_, _, err := server.ReadFrom(buffer)
		testutil.Check(t, err)
	}
	text := e.interrupt()
	const bytes = packets * (14 + 20 + 8 + size) // the headers of Ethernet, IPv4 and UDP
	matches(t, text, fmt.Sprintf(`^ +%d +%d +0 +0  /%s$`, packets, bytes, filepath.Base(sender.Name())))
	matches(t, text, fmt.Sprintf(`^ +0 +0 +%d +%d  /%s$`, packets, bytes, filepath.Base(receiver.Name())))
}
