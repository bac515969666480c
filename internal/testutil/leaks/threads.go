package leaks

import (
	"fmt"
	"os"
)

// namespaces are those of each thread of the process.
func namespaces() map[string][]string {
	found := make(map[string][]string)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return found
	}
	for _, thread := range threads {
		for _, kind := range []string{"net", "mnt"} {
			if space, err := os.Readlink("/proc/self/task/" + thread.Name() + "/ns/" + kind); err == nil {
				found[space] = append(found[space], thread.Name())
			}
		}
	}
	return found
}

// strayThreads are threads in other namespaces than at the beginning: the runtime would run any goroutine there.
func (w *Watch) strayThreads() []Leak {
	var leaked []Leak
	for space, threads := range namespaces() {
		if w.namespaces[space] == nil {
			leaked = append(leaked, Leak{What: fmt.Sprintf("threads %s in another namespace, %s", threads, space)})
		}
	}
	return leaked
}
