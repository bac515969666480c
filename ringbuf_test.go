package libbpf_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"

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
