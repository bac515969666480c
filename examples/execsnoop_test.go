//go:build !race

package examples

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func init() {
	works["status"] = func() { os.Exit(7) }
	works["signal"] = func() { _ = unix.Kill(os.Getpid(), unix.SIGKILL) }
}

func TestExecsnoop(t *testing.T) {
	t.Parallel()
	e := start(t, "execsnoop", "-p", fmt.Sprint(os.Getpid()))
	e.waitFor("^TIME")
	failing, killed := work("status", "one", "two words"), work("signal")
	if failing.Run() == nil || killed.Run() == nil {
		t.Fatal("they succeed")
	}
	prefix := func(event string, pid int) string {
		return fmt.Sprintf(`^[0-9:.]{12} %s +%d +%d +%d  `, event, pid, os.Getpid(), os.Getuid())
	}
	e.waitFor(prefix("exec", failing.Process.Pid) + `/proc/self/exe one "two words"$`)
	e.waitFor(prefix("exit", failing.Process.Pid) + `\S+: status 7 after \S+s$`)
	e.waitFor(prefix("exec", killed.Process.Pid) + `/proc/self/exe$`)
	e.waitFor(prefix("exit", killed.Process.Pid) + `\S+: SIGKILL after \S+s$`)
	e.interrupt()
}
