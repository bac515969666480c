// Package selftests holds end-to-end programs, one in each folder. They are written like a user's, run on the running
// kernel, and check their result. The package's test builds all of them, dynamically and statically linked, and runs
// them.
//
// A folder has main.go and a BPF program with the folder's name. Its "//go:build ignore" is for go build, which refuses
// C files in a package without cgo.
package selftests

import (
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// OnEachCPU calls f on each CPU that this process may run on, on all of them at once, and returns their number. Per-CPU
// counts and buffers are tested only with more than one.
func OnEachCPU(f func()) (int, error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	errs := make([]error, allowed.Count())
	for i, cpu := 0, 0; i < len(errs); cpu++ {
		if !allowed.IsSet(cpu) {
			continue
		}
		err := &errs[i]
		i++
		wg.Go(func() {
			runtime.LockOSThread() // the thread has the affinity, and ends with this goroutine
			var one unix.CPUSet
			one.Set(cpu)
			if *err = unix.SchedSetaffinity(0, &one); *err == nil {
				f()
			}
		})
	}
	wg.Wait()
	return len(errs), errors.Join(errs...)
}
