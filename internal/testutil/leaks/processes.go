package leaks

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// children are the processes that this one is the parent of.
func children() map[string]bool {
	found := make(map[string]bool)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		// The name, in parentheses, can have anything in it.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 1 && fields[1] == fmt.Sprint(os.Getpid()) {
			found[filepath.Base(filepath.Dir(stat))] = true
		}
	}
	return found
}

func (w *Watch) newChildren() []Leak {
	var leaked []Leak
	for pid := range children() {
		if w.children[pid] {
			continue
		}
		command, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		what := strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " "))
		if what == "" {
			name, _ := os.ReadFile("/proc/" + pid + "/comm")
			what = strings.TrimSpace(string(name)) + ", which has ended and was not waited for"
		}
		leaked = append(leaked, Leak{What: fmt.Sprintf("process %s: %s", pid, what)})
	}
	return leaked
}
