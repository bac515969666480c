package threads_test

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/threads"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

// A thread is never the process's first one, and ends.
func TestRun(t *testing.T) {
	onFirst(func() {
		// With one of them, a new goroutine runs where the one that waits for it did.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		for range 100 {
			thread := 0
			threads.Run(func() { thread = unix.Gettid() })
			if thread == unix.Getpid() {
				t.Error("it ran on the first thread")
				return
			}
			for !errors.Is(unix.Tgkill(unix.Getpid(), thread, 0), unix.ESRCH) {
				runtime.Gosched() // until it has ended
			}
		}
	})
}

// onFirst calls f while its goroutine is on the process's first thread.
func onFirst(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			onFirst(f) // on another one, while this goroutine keeps its own
			runtime.UnlockOSThread()
			return
		}
		runtime.UnlockOSThread() // so that others can run here while f waits
		f()
	}()
	<-done
}

// A test that fails ends the function, and not the wait for it.
func TestEnds(t *testing.T) {
	ended := false
	threads.Run(func() {
		defer func() { ended = true }()
		runtime.Goexit()
	})
	if !ended {
		t.Error("it has not ended")
	}
}
