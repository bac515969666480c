package libbpf_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
		_, _ = unix.Getpgid(magic + now)
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
	var b libbpf.RingBufferBuilder
	check(t, b.Add(findMap(t, o, name), callback))
	r, err := b.Build()
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return r
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
	var b libbpf.RingBufferBuilder
	check(t, b.Add(findMap(t, o, "events"), first.record))
	check(t, b.Add(findMap(t, o, "more_events"), second.record))
	r, err := b.Build()
	check(t, err)
	defer r.Close()
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
			if allocs := testing.AllocsPerRun(100, poll); allocs > 3 && !raceDetector {
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

// A PollContext that returns the context's error leaves no record behind that came before the context was done.
func TestPollContextLeavesNothing(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		b := open(func([]byte) error { return nil })
		left := 0
		const rounds = 500
		for range rounds {
			ctx, cancel := context.WithCancel(context.Background())
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
			time.Sleep(50 * time.Microsecond) // so that it waits
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

// Who polls while a callback runs elsewhere waits no longer than it was told to.
func TestPollBehindCallback(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		entered, leave := make(chan struct{}), make(chan struct{})
		b := open(func([]byte) error {
			close(entered)
			<-leave
			return nil
		})
		emit(1)
		done := make(chan error)
		go func() {
			_, err := b.Consume()
			done <- err
		}()
		<-entered
		if n, err := b.Poll(time.Millisecond); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := b.PollContext(ctx)
		wantErr(t, err, context.Canceled)
		close(leave)
		check(t, <-done)
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

// Close wakes everybody who waits, also while a callback runs elsewhere that closes as well.
func TestCloseWakesPoll(t *testing.T) {
	buffers(t, func(t *testing.T, open func(func([]byte) error) buffer, _ uint32) {
		b := open(func([]byte) error { return nil })
		const pollers = 8
		errs := make(chan error, pollers)
		for i := range pollers {
			go func() {
				timeout := time.Minute
				if i%2 == 0 {
					timeout = -1
				}
				_, err := b.Poll(timeout)
				errs <- err
			}()
		}
		time.Sleep(10 * time.Millisecond)
		check(t, b.Close())
		for range pollers {
			wantErr(t, <-errs, libbpf.ErrClosed, os.ErrClosed)
		}
	})
}

func TestCloseWhilePolling(t *testing.T) {
	o := loadEvents(t, nil)
	for range 50 {
		var b libbpf.RingBufferBuilder
		var r *libbpf.RingBuffer
		var n atomic.Int64
		check(t, b.Add(findMap(t, o, "events"), func([]byte) error {
			if n.Add(1) == 100 {
				return r.Close()
			}
			return nil
		}))
		var err error
		r, err = b.Build()
		check(t, err)
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
	var b libbpf.RingBufferBuilder
	check(t, b.Add(findMap(t, o, "events"), first.record))
	check(t, b.Add(findMap(t, o, "more_events"), second.record))
	r, err := b.Build()
	check(t, err)
	defer r.Close()
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
	var b libbpf.RingBufferBuilder
	var second int
	enough := errors.New("enough")
	check(t, b.Add(findMap(t, o, "events"), func([]byte) error {
		emit(1)
		return nil
	}))
	check(t, b.Add(findMap(t, o, "more_events"), func([]byte) error {
		second++
		return enough
	}))
	r, err := b.Build()
	check(t, err)
	defer r.Close()
	emit(2000)
	_, err = r.Consume()
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
	var b libbpf.RingBufferBuilder
	_, err := b.Build()
	wantErr(t, err, libbpf.ErrInvalid)
	wantErr(t, b.Add(perf, callback), libbpf.ErrInvalid)
	wantErr(t, b.Add(events, nil), libbpf.ErrInvalid)
	wantErr(t, b.Add(nil, callback), libbpf.ErrClosed)
	check(t, b.Add(events, callback))
	for _, p := range []libbpf.PerfBufferBuilder{{}, {Sample: sample, Pages: 3}, {Sample: sample, Pages: -1}} {
		_, err = p.Build(perf)
		wantErr(t, err, libbpf.ErrInvalid)
	}
	_, err = libbpf.PerfBufferBuilder{Sample: sample}.Build(events)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.PerfBufferBuilder{Sample: sample}.Build(nil)
	wantErr(t, err, libbpf.ErrClosed)
	_, err = libbpf.PerfBufferBuilder{Sample: sample}.Build((*libbpf.Map)(nil))
	wantErr(t, err, libbpf.ErrClosed)
	_, err = libbpf.PerfBufferBuilder{Sample: sample, Pages: 1 << 30}.Build(perf)
	if err == nil {
		t.Error("a perf buffer of 4 TiB")
	}
	check(t, o.Close())
	_, err = b.Build()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = libbpf.PerfBufferBuilder{Sample: sample}.Build(perf)
	wantErr(t, err, libbpf.ErrClosed)
}

// A callback may keep the slice, wrongly: it then sees other bytes, but memory that is still there.
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
		if !bytes.Equal(data, make([]byte, recordSize)) {
			t.Errorf("%v after Close", data)
		}
	}
}

// What callbacks did not see, because one failed or closed the RingBuffer, is still in the ring, for the next reader.
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
	emit(10)
	if n, err := r.Consume(); n != 3 || err != stop {
		t.Fatalf("%d records, %v", n, err)
	}
	n, err := r.Consume()
	wantErr(t, err, libbpf.ErrClosed)
	if n != 2 {
		t.Errorf("%d records", n)
	}
	next := openRing(t, o, "events", c.record)
	if n, err := next.Consume(); n != 5 || err != nil || c.next != 10 {
		t.Errorf("%d records, %v, and %d in all", n, err, c.next)
	}
}

// A consumer position that can't be is an error, and no place to read.
func TestRingBufferDamaged(t *testing.T) {
	m, err := libbpf.CreateMap(libbpf.MapTypeRingBuf, "ring", 0, 0, 1<<16, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	position := consumerPosition(t, m)
	for _, wrong := range []uintptr{4, 8, 1 << 20} {
		var b libbpf.RingBufferBuilder
		check(t, b.Add(m, func([]byte) error { return nil }))
		r, err := b.Build()
		check(t, err)
		old := *position
		*position = wrong
		_, consumed := r.Consume()
		*position = old
		wantErr(t, consumed, unix.EBADMSG)
		check(t, r.Close())
	}
}
