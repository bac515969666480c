//go:build !race

package examples

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// frame is an Ethernet frame of 60 bytes with a packet from source.
func frame(source string) []byte {
	address := netip.MustParseAddr(source)
	f := make([]byte, 60)
	binary.BigEndian.PutUint16(f[12:], unix.ETH_P_IP)
	from := f[14+12:]
	f[14] = 0x45
	if address.Is6() {
		binary.BigEndian.PutUint16(f[12:], unix.ETH_P_IPV6)
		from = f[14+8:]
		f[14] = 0x60
	}
	copy(from, address.AsSlice())
	return f
}

func TestXdpfilter(t *testing.T) {
	t.Parallel()
	cmd := command(t, "xdpfilter")
	network := testutil.NewNetwork(t)
	near, far := network.Veth()
	file := filepath.Join(t.TempDir(), "rules")
	write := func(rules string) { testutil.Check(t, os.WriteFile(file, []byte(rules), 0o600)) }
	write("# all of it\ndrop 192.0.2.0/24\npass 192.0.2.7 # but this\ndrop 2001:db8::/32\n")
	cmd.Args = append(cmd.Args, "-every", "10ms", nameIn(t, network, far), file)
	e := startIn(t, network, cmd)
	e.waitFor("^3 rules on veth")

	send := sendFrames(t, network, near)
	reaches := func(source, line string) {
		t.Helper()
		// The first frames may be lost: a new device takes time.
		for range 1000 {
			send(frame(source))
			time.Sleep(10 * time.Millisecond)
			if matched(e.output(), line) {
				return
			}
		}
		t.Fatalf("no %q in\n%s", line, e.output())
	}
	reaches("192.0.2.1", `^drop 192\.0\.2\.0/24 +[1-9][0-9]* +[0-9]+0$`)
	reaches("192.0.2.7", `^pass 192\.0\.2\.7/32 +[1-9][0-9]* +[0-9]+0$`)
	reaches("2001:db8::1", `^drop 2001:db8::/32 +[1-9][0-9]* +[0-9]+0$`)
	reaches("198.51.100.1", `^passed +([2-9]|[1-9][0-9]+) +[0-9]+0$`)

	write("nonsense\n")
	testutil.Check(t, e.cmd.Process.Signal(unix.SIGHUP))
	e.waitFor(`the old rules stay: .*:1: "nonsense" is not`)
	reaches("192.0.2.1", `^drop 192\.0\.2\.0/24 +[1-9]`)

	write("drop 198.51.100.0/25\n")
	testutil.Check(t, e.cmd.Process.Signal(unix.SIGHUP))
	e.waitFor(`^1 rules$`)
	reaches("198.51.100.1", `^drop 198\.51\.100\.0/25 +[1-9]`)
	text := e.interrupt()
	last := text[lastIndex(t, text, "^RULE"):]
	if matched(last, "192.0.2.0") {
		t.Errorf("the old rules are in force:\n%s", last)
	}
	var passed, dropped int
	_, err := fmt.Sscan(matches(t, last, `^passed +([0-9]+)`)[1], &passed)
	testutil.Check(t, err)
	_, err = fmt.Sscan(matches(t, last, `^dropped +([0-9]+)`)[1], &dropped)
	testutil.Check(t, err)
	if passed == 0 || dropped < 3 {
		t.Errorf("%d passed, %d dropped", passed, dropped)
	}
}
