// Package leaks finds what the tests of a package leave behind: descriptors, BPF objects in the kernel, mounts, files,
// cgroups, processes, threads in other namespaces, goroutines, mapped memory, C's memory, and handles that were not
// closed. It looks at what this process made only, because the tests of several packages run at the same time.
package leaks

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil/cmalloc"
)

// Leak is one thing that was left behind.
type Leak struct {
	What  string
	Where []string // the functions that made it, the innermost first, where that is known
}

func (l Leak) String() string {
	if len(l.Where) == 0 {
		return l.What
	}
	return l.What + "\n\t\tmade by " + strings.Join(l.Where, "\n\t\t        ")
}

// Test is the test that made it, by its stack, or "".
func (l Leak) Test() string {
	for _, function := range l.Where {
		if name := testOf(function); name != "" {
			return name
		}
	}
	return ""
}

// testOf is the test in a line of a stack, such as "libbpf_test.TestX.func1 (x_test.go:12)".
func testOf(function string) string {
	name, file, _ := strings.Cut(function, " ")
	if !strings.Contains(file, "_test.go") {
		return ""
	}
	for _, part := range strings.Split(name[strings.LastIndex(name, "/")+1:], ".")[1:] {
		for _, prefix := range []string{"Test", "Fuzz", "Benchmark", "Example"} {
			if strings.HasPrefix(part, prefix) {
				return part
			}
		}
	}
	return ""
}

// Watch is what was there before the tests.
type Watch struct {
	descriptors map[int]string
	goroutines  map[string]bool
	mappings    map[string]int
	children    map[string]bool
	namespaces  map[string][]string
	memory      cmalloc.Mark
	folder      string
}

// Begin begins to watch. From here on, temporary files of this process are in a folder of its own.
func Begin() (*Watch, error) {
	// The runtime opens its poller and its pipe on first use. Make it open them now.
	if r, w, err := os.Pipe(); err == nil {
		_ = r.Close()
		_ = w.Close()
	}
	w := &Watch{}
	var err error
	if w.folder, err = makeFolder(); err != nil {
		return nil, err
	}
	watchHandles()
	watchKernel()
	w.descriptors, w.goroutines = Descriptors(), goroutineIDs()
	w.mappings, w.children, w.namespaces = mappings(), children(), namespaces()
	w.memory = cmalloc.Now()
	return w, nil
}

// patience is how long End waits for what is on its way out: the kernel frees what it has taken apart a little later,
// and a goroutine that was told to end may still have a step to do. Tests of leaks set a shorter one by Patience.
const patience = 10 * time.Second

// Patience is the environment variable of a shorter patience, such as "100ms".
const Patience = "LIBBPF_GO_LEAK_PATIENCE"

// End returns what was left behind, and removes the folder of temporary files.
func (w *Watch) End() []Leak {
	wait, err := time.ParseDuration(os.Getenv(Patience))
	if err != nil {
		wait = patience
	}
	var leaked []Leak
	for until, pause := time.Now().Add(wait), time.Millisecond; ; pause = min(2*pause, wait/10) {
		leaked = w.look()
		if len(leaked) == 0 || time.Now().After(until) {
			break
		}
		time.Sleep(pause)
	}
	if err := removeFolder(w.folder); err != nil {
		leaked = append(leaked, Leak{What: fmt.Sprintf("temporary files: %v", err)})
	}
	return leaked
}

func (w *Watch) look() []Leak {
	var leaked []Leak
	for _, kind := range []func() []Leak{
		openHandles, w.newDescriptors, inKernel, w.newMappings, w.newMemory, w.newGoroutines, w.newChildren, w.strayThreads, w.filesLeft,
		cgroupsLeft,
	} {
		leaked = append(leaked, kind()...)
	}
	return leaked
}
