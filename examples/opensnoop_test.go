//go:build !race

package examples

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func init() {
	// A file to write, a file to read, a file that is not there.
	works["open"] = func() {
		for _, open := range []struct {
			name  string
			flags int
		}{{"new", os.O_RDWR | os.O_CREATE | os.O_TRUNC}, {"new", os.O_RDONLY}, {"missing", os.O_RDONLY}} {
			f, err := os.OpenFile(filepath.Join(os.Args[1], open.name), open.flags, 0o600)
			if err == nil {
				_ = f.Close()
			}
		}
	}
}

func TestOpensnoop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	all := start(t, "opensnoop", "-p", fmt.Sprint(os.Getpid()))
	failures := start(t, "opensnoop", "-x", "-p", fmt.Sprint(os.Getpid()))
	all.waitFor("^ +PID")
	failures.waitFor("^ +PID")
	cmd := work("open", dir)
	run(t, cmd)
	for _, line := range []string{
		`[0-9]+ +rw,creat,trunc ` + dir + "/new", `[0-9]+ +r +` + dir + "/new", "ENOENT  r +" + dir + "/missing",
	} {
		all.waitFor(fmt.Sprintf(`^ *%d \S+ +%s$`, cmd.Process.Pid, line))
	}
	failures.waitFor("ENOENT .*/missing$")
	all.interrupt()
	if text := failures.interrupt(); strings.Contains(text, dir+"/new") {
		t.Errorf("it shows what succeeds:\n%s", text)
	}
}
