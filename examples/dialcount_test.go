//go:build !race

package examples

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestDialcount(t *testing.T) {
	pins := filepath.Join(testutil.BPFFS(t), "pins") // not parallel: Cgroup.Do is about the whole process
	network, cgroup := testutil.NewNetwork(t), testutil.NewCgroup(t)
	dialcount := func(args ...string) string {
		t.Helper()
		return start(t, "dialcount", append([]string{"-pins", pins}, args...)...).end()
	}
	if text, want := dialcount("start", cgroup.Name()), "connect4 attached\nconnect6 attached\n"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
	// UDP sockets are connected, too, and nobody needs to listen.
	dial := func(address string) {
		conn, err := net.Dial("udp", address)
		testutil.Check(t, err)
		testutil.Check(t, conn.Close())
	}
	dialled, stop, stopped := 0, make(chan struct{}), make(chan struct{})
	cgroup.Do(func() {
		go func() {
			defer close(stopped)
			network.Do(func() {
				for ; ; dialled++ {
					select {
					case <-stop:
						return
					default:
						dial("127.0.0.1:7")
					}
				}
			})
		}()
		// Restarts, while connections are opened all the time.
		for range 5 {
			if text, want := dialcount("start", cgroup.Name()), "connect4 replaced\nconnect6 replaced\n"; text != want {
				t.Errorf("%q, want %q", text, want)
			}
		}
		close(stop)
		<-stopped
		network.Do(func() { dial("[::1]:65535") })
	})
	if text, want := dialcount("show"), fmt.Sprintf("port     7: %d\nport 65535: 1\n", dialled); text != want {
		t.Errorf("%q, want %q", text, want)
	}
	dialcount("stop")
	if _, err := os.Stat(pins); !os.IsNotExist(err) {
		t.Errorf("what is pinned after that: %v", err)
	}
	cgroup.Do(func() { network.Do(func() { dial("127.0.0.1:7") }) })
	if err := command(t, "dialcount", "-pins", pins, "show").Run(); err == nil {
		t.Error("it shows what is not there")
	}
}
