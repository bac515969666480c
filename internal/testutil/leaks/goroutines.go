package leaks

import (
	"fmt"
	"runtime"
	"strings"
)

// goroutines are the stacks of all goroutines but the calling one, by their ids.
func goroutines() map[string]string {
	stacks := make([]byte, 1<<20)
	for {
		n := runtime.Stack(stacks, true)
		if n < len(stacks) {
			stacks = stacks[:n]
			break
		}
		stacks = make([]byte, 2*len(stacks))
	}
	all := make(map[string]string)
	for _, stack := range strings.Split(string(stacks), "\n\n")[1:] {
		if header, _, ok := strings.Cut(stack, " ["); ok {
			all[strings.TrimPrefix(header, "goroutine ")] = stack
		}
	}
	return all
}

func goroutineIDs() map[string]bool {
	ids := make(map[string]bool)
	for id := range goroutines() {
		ids[id] = true
	}
	return ids
}

func (w *Watch) newGoroutines() []Leak {
	var leaked []Leak
	for id, stack := range goroutines() {
		// What receives signals stays for the life of the process, from the first signal.Notify on.
		if w.goroutines[id] || strings.Contains(stack, "\nos/signal.loop()") {
			continue
		}
		header, _, _ := strings.Cut(stack, "\n")
		leaked = append(leaked, Leak{header, linesOf(stack)})
	}
	return leaked
}

// linesOf are the functions of a printed stack. The last one made the goroutine.
func linesOf(stack string) []string {
	var found []string
	lines := strings.Split(stack, "\n")
	for i := 1; i+1 < len(lines); i += 2 {
		function := strings.TrimPrefix(lines[i], "created by ")
		function, _, _ = strings.Cut(function, " in goroutine ")
		if at := strings.LastIndex(function, "("); at > strings.LastIndex(function, "/") {
			if rest := function[at:]; !strings.HasPrefix(rest, "(*") {
				function = function[:at]
			}
		}
		file, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " +")
		file, number, _ := strings.Cut(file, ":")
		var line int
		_, _ = fmt.Sscan(number, &line)
		if name := frameName(function, file, line); name != "" {
			found = append(found, name)
		}
	}
	return found
}
