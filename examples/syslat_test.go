//go:build !race

package examples

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	// Seven calls that succeed, and three that fail; as a child if it is told to wait before.
	works["syslat"] = func() {
		if len(os.Args) > 1 {
			_, _ = os.Stdin.Read(make([]byte, 1))
			_ = work("syslat").Run()
			return
		}
		for range 7 {
			_, _ = unix.Getpgid(0)
		}
		for range 3 {
			_, _ = unix.Getsid(-1)
		}
	}
}

func TestSyslat(t *testing.T) {
	t.Parallel()
	for _, of := range []string{"command", "process"} {
		t.Run(of, func(t *testing.T) { // one after the other: each makes the same calls
			var text string
			if of == "command" {
				cmd := command(t, "syslat", "-top", "1000", "--", testBinary(t))
				cmd.Env = append(os.Environ(), workVariable+"=syslat")
				text = startCommand(t, cmd).end()
			} else {
				parent := work("syslat", "wait")
				stdin := waiting(t, parent)
				e := start(t, "syslat", "-top", "1000", "-p", fmt.Sprint(parent.Process.Pid))
				e.waitFor("tracing")
				testutil.Check(t, stdin.Close())
				testutil.Check(t, parent.Wait())
				text = e.interrupt()
			}
			succeeding := matches(t, text, `^getpgid: 7 calls, 0 errors, \S+, \S+ each\n((?:  .*\n)+)`)
			if n := total(t, succeeding[1]); n != 7 {
				t.Errorf("the histogram has %d calls\n%s", n, succeeding[0])
			}
			matches(t, text, `^getsid: 3 calls, 3 errors, `)
		})
	}
	t.Run("nobody", func(t *testing.T) {
		e := start(t, "syslat", "-p", fmt.Sprint(1<<30))
		e.waitFor("tracing")
		run(t, work("syslat"))
		if text := e.interrupt(); strings.Contains(text, "calls") {
			t.Errorf("it traces others:\n%s", text)
		}
	})
}
