package libbpf_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil/leaks"
)

// However many descriptors are left, what can't be opened leaves none behind.
func TestBuffersWithoutDescriptors(t *testing.T) {
	o := loadStream(t, nil)
	ring, perf := findMap(t, o, "ring"), findMap(t, o, "perf")
	source := libbpf.RingSource{Map: ring, Callback: func([]byte) error { return nil }}
	for name, open := range map[string]func() (interface{ Close() error }, error){
		"RingReader": func() (interface{ Close() error }, error) { return libbpf.NewRingReader(ring) },
		"RingBuffer": func() (interface{ Close() error }, error) {
			return libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{source, source}}.Build()
		},
		"PerfReader": func() (interface{ Close() error }, error) {
			return libbpf.NewPerfReader(perf, libbpf.PerfReaderOptions{Pages: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var old unix.Rlimit
			check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
			before := len(leaks.Descriptors())
			for limit := uint64(4); ; limit++ {
				check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: old.Max}))
				b, err := open()
				check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old))
				if err == nil {
					check(t, b.Close())
				}
				if after := len(leaks.Descriptors()); after != before {
					t.Fatalf("with %d: %d descriptors, %d before; %v", limit, after, before, err)
				}
				if err == nil {
					break
				}
				wantErr(t, err, unix.EMFILE)
			}
		})
	}
}

// A call that waits does not look at its context again and again.
func TestPollWaits(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		b := open(func([]byte) error { return nil })
		soon, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		ctx := &countingContext{Context: soon}
		_, err := b.PollContext(ctx)
		wantErr(t, err, context.DeadlineExceeded)
		if n := ctx.asked.Load(); n > 20 {
			t.Errorf("it asked %d times whether ctx is done: it does not wait", n)
		}
	})
}

// No callback is called for the rest of a KiB if the runtime gets to tell of the end of the context.
func TestSlowPollEndsWithContext(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		during := func() {}
		b := open(func([]byte) error { during(); return nil })
		endsAtSecond(t, func(ctx context.Context, body func()) (n, rest int) {
			emit(100)
			during = body
			n, err := b.PollContext(ctx)
			check(t, err)
			rest, err = b.Consume()
			check(t, err)
			return n, rest
		})
	})
}

// Close counts in the last callback, too.
func TestCloseInLastCallback(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		for name, receive := range map[string]func(b buffer) (int, error){
			"Poll":    func(b buffer) (int, error) { return b.Poll(-1) },
			"Consume": buffer.Consume,
		} {
			var b buffer
			b = open(func([]byte) error { return b.Close() })
			emit(1)
			n, err := receive(b)
			if wantErr(t, err, libbpf.ErrClosed); n != 1 {
				t.Errorf("%s: %d records", name, n)
			}
		}
	})
}

// Consume finds records that the kernel has notified nobody of, in whichever ring buffer they are.
func TestConsumeSilentRecords(t *testing.T) {
	o := loadStream(t, nil)
	idle, err := libbpf.CreateMap(libbpf.MapTypeRingBuf, "idle", 0, 0, uint32(os.Getpagesize()), libbpf.MapCreateOptions{})
	check(t, err)
	defer idle.Close()
	s := sequence{t: t}
	r := openRings(t,
		libbpf.RingSource{Map: idle, Callback: func([]byte) error { t.Error("a record of nobody's"); return nil }},
		libbpf.RingSource{Map: findMap(t, o, "ring"), Callback: func(data []byte) error { s.record(data); return nil }},
	)
	for _, consume := range []func() (int, error){
		r.Consume, func() (int, error) { return r.Poll(0) }, func() (int, error) { return r.ConsumeN(3) },
	} {
		write(toRingSilently, 3)
		if n, err := consume(); n != 3 || err != nil {
			t.Errorf("%d records, %v", n, err)
		}
	}
}

// When C polls, a callback that fails ends that. The next call in Go returns the error, once.
func TestBorrowedCallbackFails(t *testing.T) {
	o := loadEvents(t, nil)
	stop := errors.New("stop")
	end := func() error { return stop }
	seen := checker{t: t}
	ring := openRing(t, o, "events", func(data []byte) error {
		check(t, seen.record(data))
		if seen.next%3 == 1 {
			return end()
		}
		return nil
	})
	borrowed := borrow(t, ring)
	for range 2 {
		emit(3)
		_, err := borrowed.Poll(-1)
		wantErr(t, err, unix.ECANCELED)
		n, err := ring.Consume()
		var panicked *libbpf.CallbackPanic
		if wantErr(t, err, stop); n != 0 || errors.As(err, &panicked) != (seen.next > 3) {
			t.Errorf("%d records, %v", n, err)
		}
		if n, err := ring.Consume(); n != 2 || err != nil {
			t.Errorf("then %d records, %v", n, err)
		}
		end = func() error { panic(stop) }
	}
}
