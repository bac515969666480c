package leaks

import (
	"fmt"
	"os"
	"strings"
)

// mappings are how often each file is mapped. Memory of no file belongs to Go's and to C's allocators, and shared
// libraries come with the functions of libc that load them.
func mappings() map[string]int {
	found := make(map[string]int)
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return found
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 6)
		if len(fields) < 6 {
			continue
		}
		name := strings.TrimSpace(fields[5])
		if name == "" || name[0] == '[' || strings.Contains(name, ".so") {
			continue
		}
		found[name]++
	}
	return found
}

func (w *Watch) newMappings() []Leak {
	var leaked []Leak
	for name, count := range mappings() {
		if extra := count - w.mappings[name]; extra > 0 {
			leaked = append(leaked, Leak{What: fmt.Sprintf("mapped memory: %s, %d times", name, extra)})
		}
	}
	return leaked
}
