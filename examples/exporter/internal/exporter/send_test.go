package exporter

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sendVariable makes a process of the test's binary send packets from a cgroup: "200,/path".
const sendVariable = "LIBBPF_GO_EXPORTER_SEND"

type sendError struct {
	printed string
	err     error
}

func (e *sendError) Error() string { return fmt.Sprintf("%v\n%s", e.err, e.printed) }

// TestSend is what that process does.
func TestSend(t *testing.T) {
	packets, cgroup, ok := strings.Cut(os.Getenv(sendVariable), ",")
	if !ok {
		return
	}
	n, err := strconv.Atoi(packets)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cgroup, "cgroup.procs"), []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	to, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	from, err := net.Dial("udp", to.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	for range n {
		if _, err := from.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
}
