//go:build !race

package examples

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	// Waits, and then looks up a name with the C library.
	works["resolve"] = func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		resolver := net.Resolver{}
		if _, err := resolver.LookupHost(context.Background(), "localhost"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	target := work("resolve")
	target.Env = append(target.Env, "GODEBUG=netdns=cgo")
	stdin := waiting(t, target)
	pid := target.Process.Pid
	e := start(t, "resolve", "-p", fmt.Sprint(pid))
	e.waitFor("^TIME")
	testutil.Check(t, stdin.Close())
	testutil.Check(t, target.Wait())
	e.waitFor(fmt.Sprintf(`^[0-9:.]{12} +%d \S+ +\S+s ok +localhost$`, pid))
	e.interrupt()
}
