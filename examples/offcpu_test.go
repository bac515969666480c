//go:build !race

package examples

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

const sleeps, asleep = 10, 20 * time.Millisecond

func init() {
	// Waits, and then sleeps a few times.
	works["offcpu"] = func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		for range sleeps {
			time.Sleep(asleep)
		}
	}
}

func TestOffcpu(t *testing.T) {
	t.Parallel()
	target := work("offcpu")
	stdin := waiting(t, target)
	pid := target.Process.Pid
	e := start(t, "offcpu", "-top", "100", "-p", fmt.Sprint(pid))
	e.waitFor("^measuring")
	testutil.Check(t, stdin.Close())
	testutil.Check(t, target.Wait())
	text := e.interrupt()
	match := matches(t, text, fmt.Sprintf(`^\S+ \(%d\): off the CPU ([0-9]+) times, (\S+)\n((?:  .*\n)+)`, pid))
	waited, err := time.ParseDuration(match[2])
	testutil.Check(t, err)
	if waited < sleeps*asleep {
		t.Errorf("it was off the CPU for %v, but slept for %v", waited, sleeps*asleep)
	}
	var n int
	_, _ = fmt.Sscan(match[1], &n)
	if sum := total(t, match[3]); sum != n {
		t.Errorf("%d times, %d in the histogram", n, sum)
	}
}
