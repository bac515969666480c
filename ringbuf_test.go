package libbpf_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

// However a callback ends, its record is the last that counts, and those behind it come in the next call, once each and
// in order, be they in the ring still or taken from it by libbpf.
func TestRingBufferCallbackEnds(t *testing.T) {
	o := loadEvents(t, nil)
	stop := errors.New("stop")
	seen, end := checker{t: t}, func() error { return nil }
	var ring *libbpf.RingBuffer
	ring = openRing(t, o, "events", func(record []byte) error {
		check(t, seen.record(record))
		if seen.next%100 == 7 {
			return end()
		}
		return nil
	})
	consume := func() (int, error) { return ring.Consume() }
	ways := map[string]struct {
		end     func() error
		consume func() (int, error)
	}{
		"error": {func() error { return stop }, func() (int, error) {
			n, err := consume()
			wantErr(t, err, stop)
			return n, nil
		}},
		"panic": {func() error { panic(stop) }, func() (n int, err error) {
			defer func() {
				if got := recover(); got != stop {
					t.Errorf("recovered %v", got)
				}
			}()
			return consume()
		}},
		"Goexit": {func() error { runtime.Goexit(); return nil }, func() (int, error) {
			var wg sync.WaitGroup
			wg.Go(func() {
				_, _ = consume()
				t.Error("Consume returned")
			})
			wg.Wait()
			return 0, nil
		}},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			end = way.end
			for range 300 {
				emit(100)
				before := seen.next
				if _, err := way.consume(); err != nil {
					t.Fatal(err)
				}
				if seen.next-before > 100 || seen.next%100 != 7 {
					t.Fatalf("it went on to record %d", seen.next)
				}
				end = func() error { return nil }
				n, err := ring.Consume()
				check(t, err)
				if n != 93 {
					t.Fatalf("%d records behind it, not 93", n)
				}
				end = way.end
			}
		})
	}
}

// No function of C is below a callback: one that ends its goroutine would unwind it, and leave undone what it still had
// to do.
func TestRingBufferCallbackIsNotCalledByC(t *testing.T) {
	o := loadEvents(t, nil)
	var stack []string
	ring := openRing(t, o, "events", func([]byte) error {
		callers := make([]uintptr, 100)
		frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
		for more := true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			stack = append(stack, frame.Function)
		}
		return nil
	})
	emit(1)
	_, err := ring.Consume()
	check(t, err)
	if len(stack) < 3 || slices.ContainsFunc(stack, func(function string) bool { return strings.Contains(function, "cgo") }) {
		t.Errorf("the stack is %q", stack)
	}
}

// An impossible record is not stepped over, however the callback for what comes before it ends.
func TestRingBufferDamagedBehindGoexit(t *testing.T) {
	const step = recordSize + ringHeader
	o := loadEvents(t, nil)
	position := consumerPosition(t, findMap(t, o, "events"))
	// Taken for a header, the number of the last record but one is the length of a record that ends where the last
	// number is, which is the length of one that ends beyond the last. If the number's upper half comes first, it is an
	// empty record, and behind it is the number's lowest byte.
	written, first := 66, 64
	if bigEndian {
		written, first = 2, 1
	}
	calls := 0
	ring := openRing(t, o, "events", func([]byte) error {
		calls++
		runtime.Goexit()
		return nil
	})
	emit(written)
	begin := uintptr(first*step + ringHeader)
	atomic.StoreUintptr(position, begin)
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = ring.Consume() })
	wg.Wait()
	damaged := atomic.LoadUintptr(position)
	if calls != 1 || damaged <= begin || damaged >= uintptr(written*step) {
		t.Fatalf("%d calls; the consumer is at %d of %d", calls, damaged, written*step)
	}
	_, err := ring.Consume()
	wantErr(t, err, unix.EBADMSG)
	if got := atomic.LoadUintptr(position); got != damaged || calls != 1 {
		t.Errorf("%d calls; the consumer is at %d, not at %d", calls, got, damaged)
	}
}
