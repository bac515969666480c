//go:build !race

package examples

import (
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestTcplife(t *testing.T) {
	t.Parallel()
	cmd := command(t, "tcplife")
	network := testutil.NewNetwork(t)
	e := startIn(t, network, cmd)
	e.waitFor("^ +PID")
	for _, loopback := range []string{"127.0.0.1", "[::1]"} {
		var client, server net.Conn
		network.Do(func() {
			listener, err := net.Listen("tcp", loopback+":0")
			testutil.Check(t, err)
			defer listener.Close()
			client, err = net.Dial("tcp", listener.Addr().String())
			testutil.Check(t, err)
			server, err = listener.Accept()
			testutil.Check(t, err)
		})
		_, err := client.Write(make([]byte, 1000))
		testutil.Check(t, err)
		_, err = io.ReadFull(server, make([]byte, 1000))
		testutil.Check(t, err)
		_, err = server.Write(make([]byte, 3000))
		testutil.Check(t, err)
		_, err = io.ReadFull(client, make([]byte, 3000))
		testutil.Check(t, err)
		// Beginning and end of a connection count as a byte each.
		testutil.Check(t, client.Close())
		_, err = server.Read(make([]byte, 1))
		if err != io.EOF {
			t.Error(err)
		}
		testutil.Check(t, server.Close())
		here, there := regexp.QuoteMeta(client.LocalAddr().String()), regexp.QuoteMeta(client.RemoteAddr().String())
		e.waitFor(fmt.Sprintf(`^ *%d \S+ +%s +%s +100[0-2] +300[01] +\S+s \S+s$`, os.Getpid(), here, there))
		e.waitFor(fmt.Sprintf(`^ +- \(accepted\) +%s +%s +300[0-2] +100[01] +\S+s \S+s$`, there, here))
	}
	e.interrupt()
}
