//go:build !race

package examples

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestSockaccel(t *testing.T) {
	cmd := command(t, "sockaccel") // not parallel: Cgroup.Do is about the whole process
	network, cgroup := testutil.NewNetwork(t), testutil.NewCgroup(t)
	cmd.Args = append(cmd.Args, cgroup.Name())
	e := startIn(t, network, cmd)
	e.waitForFeature("^new connections are faster", "sockmap-link", "links of sockmaps: not supported")
	const there, back = "what is sent there", "and back"
	cgroup.Do(func() {
		var client, server net.Conn
		network.Do(func() {
			listener, err := net.Listen("tcp4", "127.0.0.1:0")
			testutil.Check(t, err)
			defer listener.Close()
			client, err = net.Dial("tcp4", listener.Addr().String())
			testutil.Check(t, err)
			server, err = listener.Accept()
			testutil.Check(t, err)
		})
		defer client.Close()
		defer server.Close()
		for _, way := range []struct {
			from, to net.Conn
			text     string
		}{{client, server, there}, {server, client, back}} {
			_, err := way.from.Write([]byte(way.text))
			testutil.Check(t, err)
			got := make([]byte, len(way.text))
			_, err = io.ReadFull(way.to, got)
			testutil.Check(t, err)
			if !bytes.Equal(got, []byte(way.text)) {
				t.Errorf("%q becomes %q", way.text, got)
			}
		}
	})
	matches(t, e.interrupt(), fmt.Sprintf("^2 sockets, %d bytes past TCP$", len(there)+len(back)))
}
