// Package threads runs tests on threads of their own, for what they change of a thread for good: its user, its mounts,
// its CPUs, its system calls.
package threads

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Run runs f on a thread that ends right after, and returns when f has ended. The process's first thread is left alone:
// it never ends, and what /proc/self tells is about that thread.
func Run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // without UnlockOSThread: the thread ends with the goroutine
		if unix.Gettid() == unix.Getpid() {
			Run(f) // on another one, while this goroutine keeps the first
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}
