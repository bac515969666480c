package libbpf_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

const (
	recordSize = 64
	mostEvents = 512 // MOST in events.bpf.c
)

// loadEvents loads and attaches events.bpf.o.
func loadEvents(t testing.TB, change func(*libbpf.OpenObject)) *libbpf.Object {
	t.Helper()
	o := open(t, "events")
	check(t, o.SetGlobal("target_tgid", selfTGID(t)))
	check(t, o.SetGlobal("getpgid_nr", unix.SYS_GETPGID))
	if change != nil {
		change(o)
	}
	loaded := load(t, o)
	_, err := loaded.Attach()
	check(t, err)
	return loaded
}

// emit makes the programs write n records to each buffer.
func emit(n int) {
	const magic = 0x40000000
	for n > 0 {
		now := min(n, mostEvents)
		testutil.Getpgid(magic + now)
		n -= now
	}
}

// checker checks that the records of one buffer come once each and in order.
type checker struct {
	t    testing.TB
	ring uint32
	next uint64
}

func (c *checker) record(data []byte) error {
	c.t.Helper()
	// The perf buffer adds four bytes, to fill up to eight.
	if len(data) != recordSize && len(data) != recordSize+4 {
		c.t.Fatalf("record of %d bytes", len(data))
	}
	sequence := binary.NativeEndian.Uint64(data)
	if sequence != c.next || data[16] != byte(sequence) || data[63] != byte(sequence) ||
		binary.NativeEndian.Uint32(data[8:]) != c.ring {
		c.t.Fatalf("record %v, want number %d of buffer %d", data, c.next, c.ring)
	}
	c.next++
	return nil
}

// buffer is what RingBuffer and PerfBuffer have in common.
type buffer interface {
	Poll(time.Duration) (int, error)
	PollContext(context.Context) (int, error)
	Consume() (int, error)
	EpollFD() int
	Close() error
}

// buffers opens a buffer of each kind, one after the other, whose records go to a callback.
func buffers(t *testing.T, test func(t *testing.T, open func(callback func([]byte) error) buffer, kind uint32)) {
	t.Run("ring", func(t *testing.T) {
		o := loadEvents(t, nil)
		test(t, func(callback func([]byte) error) buffer { return openRing(t, o, "events", callback) }, 0)
	})
	t.Run("perf", func(t *testing.T) {
		o := loadEvents(t, nil)
		// Records are in order on one CPU only.
		runtime.LockOSThread()
		t.Cleanup(runtime.UnlockOSThread)
		pin(t)
		test(t, func(callback func([]byte) error) buffer {
			b := libbpf.PerfBufferBuilder{
				Pages:  64,
				Sample: func(_ int, data []byte) error { return callback(data) },
				Lost:   func(cpu int, n uint64) { t.Errorf("CPU %d lost %d records", cpu, n) },
			}
			p, err := b.Build(findMap(t, o, "perf_events"))
			check(t, err)
			t.Cleanup(func() { check(t, p.Close()) })
			return p
		}, 2)
	})
}

// pin keeps the thread on the CPU that it is on, until the test ends.
func pin(t *testing.T) {
	t.Helper()
	var old, one unix.CPUSet
	check(t, unix.SchedGetaffinity(0, &old))
	for cpu := range 1024 {
		if old.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	check(t, unix.SchedSetaffinity(0, &one))
	t.Cleanup(func() { check(t, unix.SchedSetaffinity(0, &old)) })
}

func openRing(t testing.TB, o *libbpf.Object, name string, callback func([]byte) error) *libbpf.RingBuffer {
	t.Helper()
	return openRings(t, libbpf.RingSource{Map: findMap(t, o, name), Callback: callback})
}

func openRings(t testing.TB, sources ...libbpf.RingSource) *libbpf.RingBuffer {
	t.Helper()
	r, err := libbpf.RingBufferBuilder{Sources: sources}.Build()
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return r
}

// bothRings receives the records of both of the object's ring buffers.
func bothRings(t testing.TB, o *libbpf.Object, first, second func([]byte) error) *libbpf.RingBuffer {
	t.Helper()
	return openRings(t,
		libbpf.RingSource{Map: findMap(t, o, "events"), Callback: first},
		libbpf.RingSource{Map: findMap(t, o, "more_events"), Callback: second},
	)
}

func TestPollAndConsume(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, kind uint32) {
		c := checker{t: t, ring: kind}
		b := open(c.record)
		want := func(n int, err error, want int) {
			t.Helper()
			if err != nil || n != want {
				t.Fatalf("%d records, %v, want %d", n, err, want)
			}
		}
		n, err := b.Consume()
		want(n, err, 0)
		n, err = b.Poll(0)
		want(n, err, 0)
		n, err = b.Poll(time.Millisecond)
		want(n, err, 0)
		emit(3)
		n, err = b.Consume()
		want(n, err, 3)
		emit(1)
		n, err = b.Poll(-1)
		want(n, err, 1)
		emit(2000) // more than a batch
		n, err = b.Poll(time.Minute)
		want(n, err, 2000)
		emit(2)
		n, err = b.Poll(0)
		want(n, err, 2)
		if c.next != 2006 {
			t.Errorf("%d records", c.next)
		}
		if b.EpollFD() < 0 {
			t.Errorf("epoll fd %d", b.EpollFD())
		}
	})
}

// ConsumeN takes so many and leaves the rest in the ring buffers, for others too.
func TestConsumeN(t *testing.T) {
	o := loadEvents(t, nil)
	first, second := checker{t: t, ring: 0}, checker{t: t, ring: 1}
	r := bothRings(t, o, first.record, second.record)
	stats := func(index int) libbpf.RingStats {
		t.Helper()
		s, err := r.Stats(index)
		if errors.Is(err, errors.ErrUnsupported) {
			testutil.Skip(t, "libbpf-1.3", err)
		}
		check(t, err)
		return s
	}
	const step = recordSize + 8
	emit(2000)
	taken := uint64(0)
	for _, want := range []int{0, 1, 7, 1500, 0, 3} {
		n, err := r.ConsumeN(want)
		if err != nil || n != want {
			t.Fatalf("%d records, %v, want %d", n, err, want)
		}
		taken += uint64(want)
		if first.next+second.next != taken {
			t.Fatalf("%d and %d records handed over, want %d", first.next, second.next, taken)
		}
		for i, seen := range []uint64{first.next, second.next} {
			want := libbpf.RingStats{
				Size: 1 << 18, Available: (2000 - seen) * step, ConsumerPos: seen * step, ProducerPos: 2000 * step,
			}
			if got := stats(i); got != want {
				t.Fatalf("ring %d: %+v, want %+v", i, got, want)
			}
		}
	}
	n, err := r.ConsumeN(10_000)
	if err != nil || uint64(n) != 4000-taken {
		t.Errorf("%d records, %v", n, err)
	}
	// Nor does it take more of a batch that a callback has stopped.
	stop, calls := errors.New("stop"), 0
	stopping := openRing(t, o, "events", func([]byte) error {
		if calls++; calls == 1 {
			return stop
		}
		return nil
	})
	emit(10)
	_, err = stopping.Consume()
	wantErr(t, err, stop)
	if n, err := stopping.ConsumeN(3); n != 3 || err != nil || calls != 4 {
		t.Errorf("%d records, %v, %d calls", n, err, calls)
	}
	_, err = r.ConsumeN(-1)
	wantErr(t, err, libbpf.ErrInvalid)
	for _, index := range []int{-1, 2} {
		_, err = r.Stats(index)
		wantErr(t, err, libbpf.ErrInvalid)
	}
	check(t, r.Close())
	_, err = r.ConsumeN(1)
	wantErr(t, err, libbpf.ErrClosed)
	_, err = r.Stats(0)
	wantErr(t, err, libbpf.ErrClosed)
	var none *libbpf.RingBuffer
	_, err = none.ConsumeN(1)
	wantErr(t, err, libbpf.ErrClosed)
	_, err = none.Stats(0)
	wantErr(t, err, libbpf.ErrClosed)
}

// A wait with a timeout allocates next to nothing, and neither do records.
func TestPollAllocations(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		b := open(func([]byte) error { return nil })
		for name, poll := range map[string]func(){
			"records": func() { emit(300); _, _ = b.Poll(time.Second) },
			"timeout": func() { _, _ = b.Poll(10 * time.Microsecond) },
		} {
			if allocs := testutil.AllocsPerRun(100, poll); allocs > 3 {
				t.Errorf("%s: %v allocations", name, allocs)
			}
		}
	})
}

// Each wait must be woken, also the one that begins right when a record is written.
func TestPollWakesUp(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		var received atomic.Int64
		b := open(func([]byte) error { received.Add(1); return nil })
		done := make(chan error)
		const rounds = 300
		go func() {
			for received.Load() < rounds {
				if n, err := b.Poll(time.Minute); err != nil || n == 0 {
					done <- errors.New("woken without a record")
					return
				}
			}
			done <- nil
		}()
		for i := range int64(rounds) {
			for received.Load() < i {
				runtime.Gosched()
			}
			if i%3 == 0 {
				time.Sleep(100 * time.Microsecond) // so that it sleeps
			}
			emit(1)
		}
		check(t, <-done)
	})
}

func TestPollContext(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		b := open(func([]byte) error { return nil })
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(5*time.Millisecond, cancel)
		n, err := b.PollContext(ctx)
		wantErr(t, err, context.Canceled)
		if n != 0 {
			t.Errorf("%d records", n)
		}
		_, err = b.PollContext(ctx)
		wantErr(t, err, context.Canceled)
		cause := errors.New("the cause")
		because, cancelCause := context.WithCancelCause(context.Background())
		cancelCause(cause)
		_, err = b.PollContext(because)
		wantErr(t, err, cause, context.Canceled)
		_, err = b.PollContext(nil)
		wantErr(t, err, libbpf.ErrInvalid)
		// A context that is done must not spoil the next wait.
		if n, err := b.Poll(time.Millisecond); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		// Nor must a timeout.
		emitted := make(chan struct{})
		time.AfterFunc(5*time.Millisecond, func() {
			emit(1)
			close(emitted)
		})
		if n, err := b.PollContext(context.Background()); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		<-emitted
	})
}

// A record that ends the wait is handed over, also when the context is done by then.
func TestPollContextLeavesNothing(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		b := open(func([]byte) error { return nil })
		left := 0
		const rounds = 500
		for range rounds {
			ctx, cancel := newWaitedFor()
			done := make(chan int)
			go func() {
				n := 0
				for {
					m, err := b.PollContext(ctx)
					n += m
					if err != nil {
						done <- n
						return
					}
				}
			}()
			<-ctx.waits
			emit(1)
			cancel()
			if n := <-done; n != 1 {
				left++
			}
			if _, err := b.Consume(); err != nil {
				t.Fatal(err)
			}
		}
		if left > 0 {
			t.Errorf("PollContext returned the context's error with a record left in %d of %d rounds", left, rounds)
		}
	})
}

// waitedFor is a context that tells when somebody begins to wait for its end.
type waitedFor struct {
	context.Context
	waits chan struct{}
	once  sync.Once
}

func newWaitedFor() (*waitedFor, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	return &waitedFor{Context: ctx, waits: make(chan struct{})}, cancel
}

func (w *waitedFor) Done() <-chan struct{} {
	w.once.Do(func() { close(w.waits) })
	return w.Context.Done()
}

// Once the context is done, or the time has passed, no callback is called; what it would have got stays.
func TestPollEndsInTime(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, kind uint32) {
		c := checker{t: t, ring: kind}
		during := func() {}
		b := open(func(data []byte) error {
			during()
			return c.record(data)
		})
		want := func(n int, err error, want int) {
			t.Helper()
			if n != want || err != nil {
				t.Fatalf("%d records, %v, want %d", n, err, want)
			}
		}
		consume := func(left int) {
			t.Helper()
			during = func() {}
			n, err := b.Consume()
			want(n, err, left)
		}
		done, cancel := context.WithCancel(context.Background())
		cancel()
		passed, cancelPassed := context.WithTimeout(context.Background(), -time.Second)
		defer cancelPassed()
		emit(2000)
		for _, ctx := range []context.Context{done, passed} {
			n, err := b.PollContext(ctx)
			wantErr(t, err, ctx.Err())
			want(n, nil, 0)
		}
		consume(2000)

		emit(2000)
		ctx, cancel := context.WithCancel(context.Background())
		during = cancel
		n, err := b.PollContext(ctx)
		want(n, err, 1)
		consume(1999)

		// Later on, one who ends the context himself gets the rest of a KiB.
		emit(2000)
		ctx, cancel = context.WithCancel(context.Background())
		calls := 0
		during = func() {
			if calls++; calls == 700 {
				cancel()
			}
		}
		n, err = b.PollContext(ctx)
		check(t, err)
		if n < 700 || n > 700+1<<10/recordSize {
			t.Errorf("%d records", n)
		}
		consume(2000 - n)

		emit(2000)
		during = func() { time.Sleep(2 * time.Millisecond) }
		n, err = b.Poll(time.Millisecond)
		want(n, err, 1)
		during = func() {}
		n, err = b.Poll(1) // too short for anything but a record that is there
		check(t, err)
		if n == 0 {
			t.Error("no record in so short a time")
		}
		consume(1999 - n)
	})
}

// Consume ends, however fast programs write: it hands over what was there when it began.
func TestConsumeEnds(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		calls := 0
		b := open(func([]byte) error {
			if calls++; calls > 1000 {
				return errors.New("it does not end")
			}
			emit(1)
			return nil
		})
		emit(100)
		for name, consume := range map[string]func() (int, error){
			"Consume": b.Consume,
			"Poll":    func() (int, error) { return b.Poll(-1) },
		} {
			if n, err := consume(); n != 100 || err != nil {
				t.Errorf("%s: %d records, %v", name, n, err)
			}
		}
	})
}

// There is one call at a time. Another one fails, and does not wait for the first, which may be waiting for it.
func TestOnePollAtATime(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		var b buffer
		others := func() {
			t.Helper()
			others := map[string]func() (int, error){
				"Consume":     b.Consume,
				"Poll":        func() (int, error) { return b.Poll(-1) },
				"PollContext": func() (int, error) { return b.PollContext(context.Background()) },
			}
			switch b := b.(type) {
			case *libbpf.RingBuffer:
				others["ConsumeN"] = func() (int, error) { return b.ConsumeN(1) }
			case *libbpf.PerfBuffer:
				others["ConsumeBuffer"] = func() (int, error) { return b.ConsumeBuffer(0) }
				others["UseBuffer"] = func() (int, error) {
					return 0, b.UseBuffer(0, func([]byte) error { t.Error("another has the buffer"); return nil })
				}
			}
			for name, other := range others {
				n, err := other()
				if n != 0 || !errors.Is(err, unix.EBUSY) {
					t.Errorf("%s: %d records, %v", name, n, err)
				}
			}
		}
		b = open(func([]byte) error {
			others()
			elsewhere := make(chan struct{})
			go func() {
				defer close(elsewhere)
				others()
			}()
			<-elsewhere
			return nil
		})
		emit(2)
		if n, err := b.Consume(); n != 2 || err != nil {
			t.Errorf("%d records, %v", n, err)
		}
		// While another one waits.
		ctx, cancel := newWaitedFor()
		done := make(chan error)
		go func() {
			_, err := b.PollContext(ctx)
			done <- err
		}()
		<-ctx.waits
		others()
		cancel()
		wantErr(t, <-done, context.Canceled)
		// What it did is over.
		if n, err := b.Poll(time.Microsecond); n != 0 || err != nil {
			t.Errorf("%d records, %v", n, err)
		}
	})
}

// A callback that fails stops the drain; what it did not see comes next.
func TestCallbackError(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, kind uint32) {
		c := checker{t: t, ring: kind}
		stop := errors.New("stop")
		b := open(func(data []byte) error {
			_ = c.record(data)
			if c.next%5 == 0 {
				return stop
			}
			return nil
		})
		emit(12)
		for _, want := range []int{5, 5} {
			n, err := b.Poll(time.Minute)
			if n != want || err != stop {
				t.Fatalf("%d records, %v", n, err)
			}
		}
		if n, err := b.Consume(); n != 2 || err != nil {
			t.Fatalf("%d records, %v", n, err)
		}
	})
}

func TestCallbackPanics(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, kind uint32) {
		c := checker{t: t, ring: kind}
		b := open(func(data []byte) error {
			_ = c.record(data)
			if c.next == 2 {
				panic("the callback's")
			}
			return nil
		})
		emit(5)
		func() {
			defer func() {
				if got := recover(); got != "the callback's" {
					t.Errorf("recovered %v", got)
				}
			}()
			_, _ = b.Poll(time.Minute)
			t.Error("the panic was lost")
		}()
		if n, err := b.Poll(time.Minute); n != 3 || err != nil {
			t.Fatalf("%d records, %v", n, err)
		}
	})
}

func TestCloseInCallback(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		seen := 0
		var b buffer
		b = open(func([]byte) error {
			seen++
			return b.Close()
		})
		emit(5)
		n, err := b.Poll(time.Minute)
		wantErr(t, err, libbpf.ErrClosed)
		if n != 1 || seen != 1 {
			t.Errorf("%d records, %d callbacks", n, seen)
		}
		_, err = b.Poll(0)
		wantErr(t, err, libbpf.ErrClosed)
		_, err = b.Consume()
		wantErr(t, err, libbpf.ErrClosed)
		if b.EpollFD() != -1 {
			t.Errorf("epoll fd %d", b.EpollFD())
		}
	})
}

func TestCloseWakesPoll(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		for _, poll := range []func(b buffer, ctx context.Context) (int, error){
			func(b buffer, ctx context.Context) (int, error) { return b.Poll(-1) },
			func(b buffer, ctx context.Context) (int, error) { return b.Poll(time.Minute) },
			buffer.PollContext,
		} {
			b := open(func([]byte) error { return nil })
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error)
			go func() {
				_, err := poll(b, ctx)
				done <- err
			}()
			time.Sleep(10 * time.Millisecond) // so that it waits
			check(t, b.Close())
			wantErr(t, <-done, libbpf.ErrClosed, os.ErrClosed)
			cancel()
		}
	})
}

func TestCloseWhilePolling(t *testing.T) {
	o := loadEvents(t, nil)
	for range 50 {
		var r *libbpf.RingBuffer
		var n atomic.Int64
		r = openRing(t, o, "events", func([]byte) error {
			if n.Add(1) == 100 {
				return r.Close()
			}
			return nil
		})
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for {
					var err error
					if i%2 == 0 {
						_, err = r.Poll(time.Minute)
					} else {
						_, err = r.Consume()
					}
					if err != nil {
						if errors.Is(err, unix.EBUSY) {
							runtime.Gosched()
							continue
						}
						if !errors.Is(err, libbpf.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		for n.Load() < 100 {
			emit(10)
		}
		wg.Wait()
	}
}

func TestSeveralRings(t *testing.T) {
	o := loadEvents(t, nil)
	first, second := checker{t: t, ring: 0}, checker{t: t, ring: 1}
	r := bothRings(t, o, first.record, second.record)
	for range 4 {
		emit(1500)
		n, err := r.Poll(time.Minute)
		if err != nil || n != 3000 {
			t.Fatalf("%d records, %v", n, err)
		}
	}
	if first.next != 6000 || second.next != 6000 {
		t.Errorf("%d and %d records", first.next, second.next)
	}
	// It works on without the object, whose Close detached the programs.
	emit(2)
	check(t, o.Close())
	if n, err := r.Consume(); n != 4 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
}

// A ring that is never empty must not keep the others from being read.
func TestBusyRingStarvesNobody(t *testing.T) {
	o := loadEvents(t, nil)
	enough := errors.New("enough")
	busy := func([]byte) error {
		emit(1)
		return nil
	}
	r := bothRings(t, o, busy, func([]byte) error { return enough })
	emit(2000)
	_, err := r.Consume()
	wantErr(t, err, enough)
}

// A record can be larger than what is consumed before another ring has its turn.
func TestLargeRecords(t *testing.T) {
	const size = 300 << 10
	o := loadEvents(t, func(o *libbpf.OpenObject) {
		check(t, o.SetGlobal("large_size", size))
		m, err := o.Map("events")
		check(t, err)
		check(t, m.SetMaxEntries(1<<21))
	})
	var sizes []int
	r := openRing(t, o, "events", func(data []byte) error {
		sizes = append(sizes, len(data))
		if len(data) == size && (data[0] != 'L' || data[size-1] != 'E') {
			t.Errorf("large record has %q at its ends", []byte{data[0], data[size-1]})
		}
		return nil
	})
	emit(3)
	n, err := r.Consume()
	check(t, err)
	if n != 4 || len(sizes) != 4 || sizes[3] != size || sizes[0] != recordSize {
		t.Errorf("%d records of sizes %v", n, sizes)
	}

	// There is room for the next ones now.
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		emit(3)
		_, err := r.Consume()
		check(t, err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 2*size {
		t.Errorf("%d bytes were allocated for 20 large records", allocated)
	}
}

func TestPerfBufferCountsLosses(t *testing.T) {
	o := loadEvents(t, nil)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pin(t)
	var got, lost uint64
	p, err := libbpf.PerfBufferBuilder{
		Pages:  1,
		Sample: func(int, []byte) error { got++; return nil },
		Lost:   func(_ int, n uint64) { lost += n },
	}.Build(findMap(t, o, "perf_events"))
	check(t, err)
	defer p.Close()
	emit(1000)
	_, err = p.Consume()
	check(t, err)
	emit(1) // the kernel tells of losses when there is room again
	_, err = p.Consume()
	check(t, err)
	if lost == 0 || got == 0 || got+lost != 1001 {
		t.Errorf("%d received and %d lost of 1001", got, lost)
	}
}

func TestBufferErrors(t *testing.T) {
	o := loadEvents(t, nil)
	events, perf := findMap(t, o, "events"), findMap(t, o, "perf_events")
	callback := func([]byte) error { return nil }
	sample := func(int, []byte) error { return nil }
	good := libbpf.RingSource{Map: events, Callback: callback}
	_, err := libbpf.RingBufferBuilder{}.Build()
	wantErr(t, err, libbpf.ErrInvalid)
	for _, bad := range []struct {
		source libbpf.RingSource
		want   error
	}{
		{libbpf.RingSource{Map: perf, Callback: callback}, libbpf.ErrInvalid},
		{libbpf.RingSource{Map: events}, libbpf.ErrInvalid},
		{libbpf.RingSource{Callback: callback}, libbpf.ErrClosed},
	} {
		_, err = libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{good, bad.source}}.Build()
		wantErr(t, err, bad.want)
	}
	for _, p := range []libbpf.PerfBufferBuilder{{}, {Sample: sample, Pages: 3}, {Sample: sample, Pages: -1}} {
		_, err = p.Build(perf)
		wantErr(t, err, libbpf.ErrInvalid)
	}
	_, err = libbpf.PerfBufferBuilder{Sample: sample}.Build(events)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.PerfBufferBuilder{Sample: sample}.Build(nil)
	wantErr(t, err, libbpf.ErrClosed)
	_, err = libbpf.PerfBufferBuilder{Sample: sample}.Build(new(libbpf.Map))
	wantErr(t, err, libbpf.ErrClosed)
	_, err = libbpf.PerfBufferBuilder{Sample: sample, Pages: 1 << 30}.Build(perf)
	if err == nil {
		t.Error("a perf buffer of 4 TiB")
	}
	check(t, o.Close())
	_, err = libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{good}}.Build()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = libbpf.PerfBufferBuilder{Sample: sample}.Build(perf)
	wantErr(t, err, libbpf.ErrClosed)
}

// Buffers that are nil or closed say so, and have nothing.
func TestBuffersAfterClose(t *testing.T) {
	o := loadEvents(t, nil)
	ring := openRing(t, o, "events", func([]byte) error { return nil })
	perf, err := libbpf.PerfBufferBuilder{Sample: func(int, []byte) error { return nil }}.Build(findMap(t, o, "perf_events"))
	check(t, err)
	check(t, ring.Close())
	check(t, perf.Close())
	ctx := context.Background()
	unused := func(unsafe.Pointer) error { t.Error("used"); return nil }
	for _, r := range []*libbpf.RingBuffer{nil, ring} {
		_, poll := r.Poll(-1)
		_, pollContext := r.PollContext(ctx)
		_, consume := r.Consume()
		_, consumeN := r.ConsumeN(1)
		_, stats := r.Stats(0)
		for op, err := range map[string]error{
			"poll": poll, "poll ": pollContext, "consume": consume, "consume ": consumeN, "get statistics of": stats,
			"use": r.UsePointer(unused),
		} {
			wantErrSaying(t, err, libbpf.ErrClosed, strings.TrimSpace(op)+" ", "buffer")
		}
		_, err := r.ConsumeN(-1)
		wantErrSaying(t, err, libbpf.ErrInvalid, "the number of records is -1 and must not be negative")
		if r.Pointer() != nil || r.EpollFD() != -1 {
			t.Errorf("%v has %p, %d", r, r.Pointer(), r.EpollFD())
		}
		check(t, r.Close())
	}
	for _, p := range []*libbpf.PerfBuffer{nil, perf} {
		_, poll := p.Poll(-1)
		_, pollContext := p.PollContext(ctx)
		_, consume := p.Consume()
		_, consumeOne := p.ConsumeBuffer(0)
		fd, bufferFD := p.BufferFD(0)
		_, lost := p.Lost()
		for op, err := range map[string]error{
			"poll": poll, "poll ": pollContext, "consume": consume, "consume ": consumeOne, "get a descriptor of": bufferFD,
			"count losses of": lost, "use": p.UsePointer(unused),
			"use a buffer of": p.UseBuffer(0, func([]byte) error { return unused(nil) }),
		} {
			wantErrSaying(t, err, libbpf.ErrClosed, strings.TrimSpace(op)+" ", "buffer")
		}
		if p.Pointer() != nil || p.EpollFD() != -1 || fd != -1 || p.Buffers() != 0 || p.String() != "perf buffer" {
			t.Errorf("%v has %p, %d, %d, %d", p, p.Pointer(), p.EpollFD(), fd, p.Buffers())
		}
		check(t, p.Close())
	}
	if text := (*libbpf.RingBuffer)(nil).String(); text != "ring buffer" {
		t.Error(text)
	}
}

// C code that uses a buffer has it alone, and a buffer's numbers are those that there are.
func TestBuffersForC(t *testing.T) {
	o := loadEvents(t, nil)
	ring := openRing(t, o, "events", func([]byte) error { return nil })
	perf, err := libbpf.PerfBufferBuilder{
		Sample: func(int, []byte) error { return nil }, CPUs: []int{0},
	}.Build(findMap(t, o, "perf_events"))
	check(t, err)
	defer perf.Close()
	its := errors.New("its own")
	for name, b := range map[string]interface {
		buffer
		UsePointer(func(unsafe.Pointer) error) error
		Pointer() unsafe.Pointer
	}{"ring": ring, "perf": perf} {
		err := b.UsePointer(func(p unsafe.Pointer) error {
			if p == nil || p != b.Pointer() {
				t.Errorf("%s: %p, not %p", name, p, b.Pointer())
			}
			_, err := b.Consume()
			wantErr(t, err, unix.EBUSY)
			return its
		})
		if err != its {
			t.Errorf("%s: %v", name, err)
		}
		_, err = b.Consume()
		check(t, err)
		_, err = b.PollContext(nil)
		wantErrSaying(t, err, libbpf.ErrInvalid, "the context is nil")
	}
	for _, index := range []int{-1, 1} {
		if _, err := ring.Stats(index); !errors.Is(err, errors.ErrUnsupported) { // before libbpf 1.3
			wantErrSaying(t, err, libbpf.ErrInvalid, fmt.Sprintf("there are 1 ring buffers, and no number %d", index))
		}
		_, errFD := perf.BufferFD(index)
		_, errConsume := perf.ConsumeBuffer(index)
		for _, err := range []error{errFD, errConsume, perf.UseBuffer(index, nil)} {
			wantErrSaying(t, err, libbpf.ErrInvalid, fmt.Sprintf("there are 1 buffers, and no number %d", index))
		}
	}
	if perf.Buffers() != 1 {
		t.Errorf("%d buffers", perf.Buffers())
	}
}

// A perf buffer has as many pages as it should, and one more for its positions.
func TestPerfBufferPages(t *testing.T) {
	m := findMap(t, loadEvents(t, nil), "perf_events")
	for pages, want := range map[int]int{0: 64, 1: 1, 4: 4} {
		p, err := libbpf.PerfBufferBuilder{Pages: pages, Sample: func(int, []byte) error { return nil }}.Build(m)
		check(t, err)
		check(t, p.UseBuffer(0, func(memory []byte) error {
			if want := (want + 1) * os.Getpagesize(); len(memory) != want {
				t.Errorf("%d bytes for %d pages, want %d", len(memory), pages, want)
			}
			return nil
		}))
		check(t, p.Close())
	}
}

// A callback may keep the slice, wrongly: it then sees other bytes after the next call, but memory that is still there.
func TestRecordsOutlastClose(t *testing.T) {
	o := loadEvents(t, nil)
	var kept [][]byte
	r := openRing(t, o, "events", func(data []byte) error {
		kept = append(kept, data)
		return nil
	})
	emit(10)
	_, err := r.Consume()
	check(t, err)
	check(t, r.Close())
	for _, data := range kept {
		if len(data) != recordSize || cap(data) != recordSize {
			t.Errorf("%d bytes, room for %d", len(data), cap(data))
		}
		for i := range data {
			data[i]++
		}
	}
}

// What callbacks did not see because one failed comes with the next call. Close loses what libbpf has taken from the
// ring by then, a batch at most; the rest is still there, for the next reader.
func TestCloseLeavesRecords(t *testing.T) {
	o := loadEvents(t, nil)
	c := checker{t: t}
	stop := errors.New("stop")
	var r *libbpf.RingBuffer
	r = openRing(t, o, "events", func(data []byte) error {
		check(t, c.record(data))
		if c.next == 3 {
			return stop
		}
		if c.next == 5 {
			return r.Close()
		}
		return nil
	})
	const written, batch = 2000, 32 << 10
	emit(written)
	if n, err := r.Consume(); n != 3 || err != stop {
		t.Fatalf("%d records, %v", n, err)
	}
	n, err := r.Consume()
	wantErr(t, err, libbpf.ErrClosed)
	if n != 2 {
		t.Errorf("%d records", n)
	}
	left := checker{t: t}
	next := openRing(t, o, "events", func(data []byte) error {
		if left.next == 0 {
			left.next = binary.NativeEndian.Uint64(data)
		}
		return left.record(data)
	})
	if n, err := next.Consume(); n < written-batch/recordSize || err != nil || left.next != written {
		t.Errorf("%d records, %v, the last one is number %d", n, err, left.next)
	}
}

// Buffers have their turns: who takes one record at a time gets some of each.
func TestBuffersTakeTurns(t *testing.T) {
	o := loadEvents(t, nil)
	var first, second int
	r := bothRings(t, o, func([]byte) error { first++; return nil }, func([]byte) error { second++; return nil })
	emit(10)
	for range 4 {
		if n, err := r.ConsumeN(1); n != 1 || err != nil {
			t.Fatalf("%d records, %v", n, err)
		}
	}
	if first == 0 || second == 0 {
		t.Errorf("%d records of the first and %d of the second", first, second)
	}
}

// A consumer position that can't be is an error, and no place to read.
func TestRingBufferDamaged(t *testing.T) {
	o := loadEvents(t, nil)
	m := findMap(t, o, "events")
	position := consumerPosition(t, m)
	const step, written = recordSize + ringHeader, 1800
	emit(written)
	// The last one's number, 1799, looks like the length of a record. If the number's upper half comes first, the first
	// byte of the payload, which is the number's lowest one, does.
	number := uintptr(0)
	if bigEndian {
		number = 16
	}
	for name, wrong := range map[string]uintptr{
		"misaligned":     20, // at zeroes, which look like an empty record
		"ahead":          (written + 1) * step,
		"far ahead":      1 << 20,
		"far back":       ^uintptr(1<<20 - 1),
		"beyond the end": (written-1)*step + ringHeader + number,
	} {
		t.Run(name, func(t *testing.T) {
			r := openRing(t, o, "events", func(record []byte) error {
				t.Fatalf("a record of %d bytes", len(record))
				return nil
			})
			atomic.StoreUintptr(position, wrong)
			_, err := r.Consume()
			wantErr(t, err, unix.EBADMSG)
			_, err = r.Poll(-1)
			wantErr(t, err, unix.EBADMSG)
			if got := atomic.LoadUintptr(position); got != wrong {
				t.Errorf("the consumer is at %d now", got)
			}
			reader := openReader(t, m)
			for record := range reader.Pending(&err) {
				t.Fatalf("a record of %d bytes", len(record))
			}
			wantErr(t, err, unix.EBADMSG)
		})
	}
}
