package cmalloc_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cmalloc"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cmalloc/calls"
)

func supported(t *testing.T) {
	t.Helper()
	if !cmalloc.Supported() {
		testutil.Skip(t, "cmalloc", errors.ErrUnsupported)
	}
}

func sizes(all []cmalloc.Allocation) []int {
	var sizes []int
	for _, a := range all {
		sizes = append(sizes, a.Size)
	}
	return sizes
}

// Each way to allocate is counted until the memory is freed.
func TestSince(t *testing.T) {
	supported(t)
	for name, make := range calls.Makers {
		t.Run(name, func(t *testing.T) {
			mark := cmalloc.Now()
			first := make(128)
			if first == nil {
				t.Fatal("no memory")
			}
			between := cmalloc.Now()
			second := make(256)
			if got := sizes(cmalloc.Since(mark)); !slices.Equal(got, []int{128, 256}) {
				t.Errorf("%d bytes", got)
			}
			if got := sizes(cmalloc.Since(between)); !slices.Equal(got, []int{256}) {
				t.Errorf("%d bytes after the first", got)
			}
			calls.Free(first)
			if got := sizes(cmalloc.Live()); !slices.Contains(got, 256) || slices.Contains(got, 128) {
				t.Errorf("%d bytes live", got)
			}
			calls.Free(second)
			if got := cmalloc.Since(mark); len(got) != 0 {
				t.Errorf("%v after all are freed", got)
			}
		})
	}
}

// Exactly the chosen allocation fails, and only on the thread that asked for it.
func TestFailNth(t *testing.T) {
	supported(t)
	for name, make := range calls.Makers {
		t.Run(name, func(t *testing.T) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			defer cmalloc.FailNth(0)
			mark := cmalloc.Now()
			cmalloc.FailNth(0)
			memory := make(128)
			calls.Free(memory)
			each := cmalloc.Counted() // 2 where one grows
			cmalloc.FailNth(2*each + 1)
			for i := range 4 {
				memory := make(128)
				if (memory == nil) != (i == 2) {
					t.Errorf("allocation %d: %v", i+1, memory)
				}
				if failed := cmalloc.Chosen(); (len(failed) > 0) != (i >= 2) {
					t.Errorf("after allocation %d, failed: %q", i+1, failed)
				}
				if i == 2 {
					// On another thread the count is another one.
					done := elsewhere(make)
					if done == nil {
						t.Error("failed on another thread")
					}
					calls.Free(done)
				}
				calls.Free(memory)
			}
			if got, want := cmalloc.Counted(), 3*each+1; got != want {
				t.Errorf("counted %d, want %d", got, want)
			}
			// One that grows keeps the old memory when that fails.
			cmalloc.FailNth(each)
			if memory := make(128); memory != nil {
				t.Error("did not fail")
			}
			if got := cmalloc.Since(mark); len(got) != 0 {
				t.Errorf("%v after all are freed", got)
			}
		})
	}
}

// elsewhere makes memory on another thread.
func elsewhere(make func(int) unsafe.Pointer) unsafe.Pointer {
	made := new(unsafe.Pointer)
	var wg sync.WaitGroup
	wg.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmalloc.FailNth(0)
		*made = make(1)
	})
	wg.Wait()
	return *made
}

// What the Go runtime and the C library allocate for themselves is not counted.
func TestRuntimeIsNotCounted(t *testing.T) {
	supported(t)
	mark := cmalloc.Now()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(runtime.LockOSThread) // a thread that ends with its goroutine
	}
	wg.Wait()
	t.Setenv("LIBBPF_GO_CMALLOC", strings.Repeat("x", 1000)) // in C as well
	if got := cmalloc.Since(mark); len(got) != 0 {
		t.Errorf("counted %v", got)
	}
}

// With many threads, the count is exact.
func TestThreads(t *testing.T) {
	supported(t)
	mark := cmalloc.Now()
	makers := slices.Collect(maps.Values(calls.Makers))
	const threads, times = 8, 2000
	kept := make([][]unsafe.Pointer, threads)
	var wg sync.WaitGroup
	for i := range threads {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range times {
				memory := makers[random.IntN(len(makers))](1 + random.IntN(1000))
				kept[i] = append(kept[i], memory)
				if at := random.IntN(len(kept[i])); random.IntN(10) < 9 {
					calls.Free(kept[i][at])
					kept[i] = slices.Delete(kept[i], at, at+1)
				}
			}
		})
	}
	wg.Wait()
	all := slices.Concat(kept...)
	if got := len(cmalloc.Since(mark)); got != len(all) {
		t.Errorf("%d live, want %d", got, len(all))
	}
	for _, memory := range all {
		calls.Free(memory)
	}
	if got := cmalloc.Since(mark); len(got) != 0 {
		t.Errorf("%v after all are freed", got)
	}
}

// A child that is forked while other threads allocate can allocate too.
func TestFork(t *testing.T) {
	supported(t)
	if os.Getenv("LIBBPF_GO_FORK") == "" {
		binary, err := os.Executable()
		testutil.Check(t, err)
		cmd := exec.CommandContext(t.Context(), binary, "-test.run=^TestFork$", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), "LIBBPF_GO_FORK=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					memory := calls.Makers["malloc"](100)
					calls.Free(memory)
				}
			}
		})
	}
	if got := calls.Fork(300); got != 300 {
		t.Errorf("%d of 300 children ended well", got)
	}
	close(stop)
	wg.Wait()
}

// Where names functions of the C library and of this program.
func TestWhere(t *testing.T) {
	supported(t)
	if os.Getenv("LIBBPF_GO_WHERE") == "" {
		if testing.Short() {
			return // it builds this test once more
		}
		cmd := exec.CommandContext(t.Context(), "go", "test", "-ldflags=-s=false", "-run=^TestWhere$", ".")
		cmd.Env = append(os.Environ(), "LIBBPF_GO_WHERE=1", "GOFLAGS=-buildvcs=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	mark := cmalloc.Now()
	memory := calls.Makers["strndup"](128)
	defer calls.Free(memory)
	all := cmalloc.Since(mark)
	if len(all) != 1 {
		t.Fatal(all)
	}
	where := all[0].Where()
	for i, want := range []string{"strndup", "calls_strndup+", "_Cfunc_calls_strndup+"} {
		if i >= len(where) || !strings.Contains(where[i], want) {
			t.Errorf("made by %q, want %q at %d", where, want, i)
		}
	}
	if n := len(where); n != 3 {
		t.Errorf("made by %q, which is %d functions and not 3", where, n)
	}
}
