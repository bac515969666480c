// Package cpus runs what must happen on all CPUs at once: per-CPU counts and buffers are tested only with more than one.
package cpus

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil/threads"
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
			threads.Run(func() { // the thread has the affinity
				var one unix.CPUSet
				one.Set(cpu)
				if *err = unix.SchedSetaffinity(0, &one); *err == nil {
					f()
				}
			})
		})
	}
	wg.Wait()
	return len(errs), errors.Join(errs...)
}
