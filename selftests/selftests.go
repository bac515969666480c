// Package selftests holds end-to-end programs, one in each folder: what a user would write, run against the running
// kernel, with a check of the result. The package's test builds all of them, dynamically and statically linked, and
// runs them.
//
// A folder has main.go and the BPF program, which is named after the folder. Its "//go:build ignore" is for go build,
// which refuses C files in a package without cgo.
package selftests

import (
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// OnEachCPU calls f on each CPU that this process may run on, on all of them at once, and returns how many those are:
// what programs count and write by CPU is only put to the test when there is more than one.
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
			runtime.LockOSThread() // affinity is the thread's, which ends with this goroutine
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
