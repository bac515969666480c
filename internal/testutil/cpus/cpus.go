// Package cpus runs what must happen on all CPUs at once: per-CPU counts and buffers are tested only with more than one.
package cpus

import (
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Each calls f on each CPU that this process may run on, on all of them at once, and returns their number.
func Each(f func()) (int, error) {
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
