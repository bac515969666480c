package leaks

import (
	"slices"

	"github.com/libbpf-go/libbpf-go/internal/testutil/cmalloc"
)

// newMemory is what C code allocated and did not free.
func (w *Watch) newMemory() []Leak {
	var leaked []Leak
	for _, allocation := range cmalloc.Since(w.memory) {
		// The C library keeps the stacks of threads that have ended, and what belongs to them, for the next ones.
		if slices.Contains(allocation.Where(), "_dl_allocate_tls") {
			continue
		}
		leaked = append(leaked, Leak{What: "C memory: " + allocation.String()})
	}
	return leaked
}
