package leaks

import (
	"runtime"
	"sync"

	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// made has the stack that made each handle whose resource is not released.
var made struct {
	sync.Mutex
	handles map[*handle.Handle][]uintptr
}

func watchHandles() {
	made.handles = make(map[*handle.Handle][]uintptr)
	handle.Watch.Made = func(h *handle.Handle) {
		stack := make([]uintptr, depth)
		const skip = 3 // runtime.Callers, this function, handle.New
		stack = stack[:runtime.Callers(skip, stack)]
		made.Lock()
		defer made.Unlock()
		made.handles[h] = stack
	}
	handle.Watch.Released = func(h *handle.Handle) {
		made.Lock()
		defer made.Unlock()
		delete(made.handles, h)
	}
}

// openHandles are the objects, maps, links and so on that nobody closed.
func openHandles() []Leak {
	made.Lock()
	defer made.Unlock()
	var leaked []Leak
	for _, stack := range made.handles {
		leaked = append(leaked, Leak{"a handle that was not closed", names(stack)})
	}
	return leaked
}
