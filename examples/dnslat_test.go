//go:build !race

package examples

import (
	"net"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestDnslat(t *testing.T) {
	t.Parallel()
	cmd := command(t, "dnslat")
	network := testutil.NewNetwork(t)
	e := startIn(t, network, cmd)
	e.waitFor("^TIME")
	for _, loopback := range []string{"127.0.0.1", "[::1]"} {
		var server net.PacketConn
		var client net.Conn
		network.Do(func() {
			var err error
			server, err = net.ListenPacket("udp", loopback+":53")
			testutil.Check(t, err)
			client, err = net.Dial("udp", loopback+":53")
			testutil.Check(t, err)
		})
		defer server.Close()
		defer client.Close()
		for _, query := range []struct{ question, result, want string }{
			{"\x03www\x07example\x00\x00\x01\x00\x01", "\x81\x80", ` ok +A +(\S+)  www\.example\.$`},
			{"\x04gone\x00\x00\x1c\x00\x01", "\x81\x83", ` NXDOMAIN +AAAA +(\S+)  gone\.$`},
		} {
			const id, counts, delay = "\x12\x34", "\x00\x01\x00\x00\x00\x00\x00\x00", 20 * time.Millisecond
			_, err := client.Write([]byte(id + "\x01\x00" + counts + query.question))
			testutil.Check(t, err)
			message := make([]byte, 512)
			_, from, err := server.ReadFrom(message)
			testutil.Check(t, err)
			time.Sleep(delay)
			_, err = server.WriteTo([]byte(id+query.result+counts+query.question), from)
			testutil.Check(t, err)
			host, _, err := net.SplitHostPort(server.LocalAddr().String())
			testutil.Check(t, err)
			took, err := time.ParseDuration(e.waitFor(`^[0-9:.]{12} ` + host + ` +` + query.want)[1])
			testutil.Check(t, err)
			if took < delay {
				t.Errorf("%s took %v, but was answered after %v", query.question, took, delay)
			}
		}
	}
	e.interrupt()
}
