//go:build !race

package examples

import (
	"net"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestProtocols(t *testing.T) {
	t.Parallel()
	all, some := command(t, "protocols"), command(t, "protocols", "-without", "udp,ipv6")
	network := testutil.NewNetwork(t)
	looking, notLooking := startIn(t, network, all), startIn(t, network, some)
	looking.waitFor("^counting")
	notLooking.waitFor("^counting")
	send := func(protocol, address string) {
		network.Do(func() {
			conn, err := net.Dial(protocol, address)
			if err == nil {
				_, err = conn.Write([]byte("hello"))
				_ = conn.Close()
			}
			if protocol == "udp" {
				testutil.Check(t, err)
			}
		})
	}
	// Nobody listens, so that the answers to UDP are ICMP, and those to TCP refuse. The loopback shows each packet twice.
	for range 3 {
		send("udp", "127.0.0.1:53")
	}
	send("udp", "[::1]:443")
	send("udp", "127.0.0.1:9")
	send("tcp", "127.0.0.1:80")
	text := looking.interrupt()
	for _, line := range []string{
		`^DNS +6 +198$`,  // 20 + 8 + 5 bytes
		`^QUIC +2 +106$`, // 40 + 8 + 5
		`^UDP +2 +66$`,
		`^HTTP +4 +[0-9]+$`,
		`^ICMP +10 +[0-9]+$`,
	} {
		matches(t, text, line)
	}
	text = notLooking.interrupt()
	matches(t, text, `^UDP +8 +264$`)
	matches(t, text, `^IPv6 +[1-9]`)
	matches(t, text, `^HTTP +4 `)
	if matched(text, "DNS|QUIC") {
		t.Errorf("it looks into UDP:\n%s", text)
	}
}
