//go:build !race

package examples

import (
	"fmt"
	"os"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/usdt"
)

func init() {
	// Waits, and then runs through the probe.
	works["usdt"] = func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		usdt.Fire(42)
		usdt.Fire(-7)
	}
}

func TestUsdt(t *testing.T) {
	t.Parallel()
	binary := testBinary(t)
	matches(t, start(t, "usdt", binary).end(), `^libbpf_go:probe -[48]@\S+$`)
	target := work("usdt")
	stdin := waiting(t, target)
	pid := target.Process.Pid
	e := start(t, "usdt", "-p", fmt.Sprint(pid), binary, "libbpf_go:probe")
	e.waitFor("^ +PID")
	testutil.Check(t, stdin.Close())
	testutil.Check(t, target.Wait())
	e.waitFor(fmt.Sprintf(`^ *%d +[0-9]+ \S+ +42$`, pid))
	e.waitFor(fmt.Sprintf(`^ *%d +[0-9]+ \S+ +-7$`, pid))
	e.interrupt()
}
