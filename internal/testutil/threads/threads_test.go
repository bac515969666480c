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

// The goroutine that runs TestMain stays on the process's first thread.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	runFromFirst()
	os.Exit(testutil.Main(m))
}

// fromFirst are the threads of functions that were run from the first thread.
var fromFirst []int

func runFromFirst() {
	runtime.UnlockOSThread()
	// With one of them, a new goroutine runs where the one that waits for it did.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 100 {
		threads.Run(func() { fromFirst = append(fromFirst, unix.Gettid()) })
	}
}

// A thread is never the process's first one, and ends.
func TestRun(t *testing.T) {
	for _, thread := range fromFirst {
		if thread == unix.Getpid() {
			t.Error("it ran on the first thread")
			return
		}
		for !errors.Is(unix.Tgkill(unix.Getpid(), thread, 0), unix.ESRCH) {
			runtime.Gosched() // until it has ended
		}
	}
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
