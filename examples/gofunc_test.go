//go:build !race

package examples

import (
	"fmt"
	"os"
	"testing"
)

// The function is one of another example, which runs for each program that is executed.
func TestGofunc(t *testing.T) {
	t.Parallel()
	target := start(t, "execsnoop", "-p", fmt.Sprint(os.Getpid()))
	target.waitFor("^TIME")
	e := start(t, "gofunc", "-p", fmt.Sprint(target.cmd.Process.Pid), target.cmd.Path, "main.arguments")
	e.waitFor("^main.arguments returns at [1-9][0-9]* places")
	const calls = 4
	for i := range calls {
		_ = work("status", fmt.Sprintf("gofunc-%d", i)).Run()
		target.waitFor(fmt.Sprintf(" gofunc-%d$", i))
	}
	target.interrupt()
	text := e.interrupt()
	var n int
	_, _ = fmt.Sscan(matches(t, text, `^main\.arguments: ([0-9]+) calls, \S+, \S+ each$`)[1], &n)
	// Other tests execute programs at the same time.
	if sum := total(t, matches(t, text, `each\n((?:  .*\n)+)`)[1]); n < calls || sum != n {
		t.Errorf("%d calls, %d in the histogram, want %d at least", n, sum, calls)
	}
}
