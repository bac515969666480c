package libbpf_test

import (
	"bytes"
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
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// What stream.bpf.o writes.
const (
	toRing = iota
	toRingSilently
	toRingForced
	discard
	toPerf
	hold
)

// ringHeader is what a record takes beside its bytes.
const ringHeader = 8

// loadStream loads and attaches stream.bpf.o.
func loadStream(t testing.TB, change func(*libbpf.OpenObject)) *libbpf.Object {
	t.Helper()
	o := open(t, "stream")
	check(t, o.SetGlobal("target_tgid", selfTGID(t)))
	check(t, o.SetGlobal("getpgid_nr", unix.SYS_GETPGID))
	if change != nil {
		change(o)
	}
	needs.ToLoad(t, o)
	loaded, err := o.Load()
	if errors.Is(err, unix.EINVAL) { // atomic operations that have a result
		testutil.Skip(t, "atomic_fetch", err)
	}
	check(t, err)
	t.Cleanup(func() { check(t, loaded.Close()) })
	watchCalls(t, loaded)
	_, err = loaded.Attach()
	check(t, err)
	return loaded
}

// watchCalls makes write count the calls that this object answers.
func watchCalls(t testing.TB, stream *libbpf.Object) {
	t.Helper()
	memory, offset, err := stream.GlobalMemory("calls")
	check(t, err)
	calls, err := libbpf.MemoryAt[uint64](memory, offset)
	check(t, err)
	before := streamCalls.Swap(calls)
	t.Cleanup(func() {
		streamCalls.Store(before)
		check(t, memory.Close())
	})
}

// streamCalls counts the calls that stream.bpf.o answered.
var streamCalls atomic.Pointer[uint64]

// write makes the program write n records. Since Linux 7, a thread can be preempted in the tracepoint, and the kernel
// leaves out the program for another thread on the same CPU: write calls it again.
func write(what, n int) {
	const most = 512
	calls := streamCalls.Load()
	for n > 0 {
		now := min(n, most)
		before := atomic.LoadUint64(calls)
		testutil.Getpgid(asking(what, now))
		if atomic.LoadUint64(calls) != before {
			n -= now
		}
	}
}

// asking is what getpgid(2) is called with, so that the program writes n records.
func asking(what, n int) int {
	const magic = 0x40000000
	return magic + what<<12 + n
}

// totals are the program's own counts.
type totals struct{ produced, lost uint64 }

// streamTotals reads "ring_totals" or "perf_totals".
func streamTotals(t testing.TB, o *libbpf.Object, name string) totals {
	t.Helper()
	memory, offset, err := o.GlobalMemory(name)
	check(t, err)
	defer memory.Close()
	place, err := libbpf.MemoryAt[[2]uint64](memory, offset)
	check(t, err)
	return totals{atomic.LoadUint64(&place[0]), atomic.LoadUint64(&place[1])}
}

func openReader(t testing.TB, m libbpf.MapCore) *libbpf.RingReader {
	t.Helper()
	r, err := libbpf.NewRingReader(m)
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return r
}

// newReader is a reader of stream.bpf.o's ring, of so many bytes.
func newReader(t testing.TB, size uint32) *libbpf.RingReader {
	t.Helper()
	o := loadStream(t, func(o *libbpf.OpenObject) {
		m, err := o.Map("ring")
		check(t, err)
		check(t, m.SetMaxEntries(size))
	})
	return openReader(t, findMap(t, o, "ring"))
}

// sequence checks that records begin with the numbers that follow one another.
type sequence struct {
	t    testing.TB
	next uint64
}

func (s *sequence) record(data []byte) {
	s.t.Helper()
	if len(data) != recordSize || cap(data) != recordSize || binary.NativeEndian.Uint64(data) != s.next {
		s.t.Fatalf("record %v (room for %d), want number %d", data, cap(data), s.next)
	}
	s.next++
}

// pending reads what is there.
func (s *sequence) pending(r *libbpf.RingReader) int {
	s.t.Helper()
	var err error
	n := 0
	for record := range r.Pending(&err) {
		s.record(record)
		n++
	}
	check(s.t, err)
	return n
}

func ringStats(t testing.TB, r interface {
	Stats() (libbpf.RingStats, error)
}) libbpf.RingStats {
	t.Helper()
	stats, err := r.Stats()
	check(t, err)
	return stats
}

func TestRingReader(t *testing.T) {
	r := newReader(t, 1<<18)
	s := sequence{t: t}
	if n := s.pending(r); n != 0 {
		t.Errorf("%d records in an empty ring", n)
	}
	write(toRing, 3)
	stats := ringStats(t, r)
	if want := (libbpf.RingStats{Size: 1 << 18, Available: 3 * 72, ProducerPos: 3 * 72}); stats != want {
		t.Errorf("%+v, want %+v", stats, want)
	}
	if n := s.pending(r); n != 3 {
		t.Errorf("%d records", n)
	}
	write(toRing, 2000) // many leases
	if n := s.pending(r); n != 2000 {
		t.Errorf("%d records", n)
	}
	stats = ringStats(t, r)
	if want := (libbpf.RingStats{Size: 1 << 18, ConsumerPos: 2003 * 72, ProducerPos: 2003 * 72}); stats != want {
		t.Errorf("%+v, want %+v", stats, want)
	}
}

// The ring is read many times around, so records lie across its end, and each is in one piece.
func TestRingReaderWrapsAround(t *testing.T) {
	o := loadStream(t, func(o *libbpf.OpenObject) {
		m, err := o.Map("ring")
		check(t, err)
		check(t, m.SetMaxEntries(uint32(os.Getpagesize())))
		check(t, o.SetGlobal("record_size", uint32(500)))
	})
	r := openReader(t, findMap(t, o, "ring"))
	next := uint64(0)
	for range 1000 {
		write(toRing, 3)
		var err error
		for record := range r.Pending(&err) {
			if len(record) != 500 || binary.NativeEndian.Uint64(record) != next {
				t.Fatalf("%d bytes, number %d, want %d", len(record), binary.NativeEndian.Uint64(record), next)
			}
			if !bytes.Equal(record[8:], make([]byte, 492)) {
				t.Fatalf("torn: %v", record)
			}
			next++
		}
		check(t, err)
	}
	if next != 3000 {
		t.Errorf("%d records", next)
	}
}

// A record that is larger than a lease.
func TestRingReaderLargeRecords(t *testing.T) {
	const size = 300 << 10
	o := loadEvents(t, func(o *libbpf.OpenObject) {
		check(t, o.SetGlobal("large_size", size))
		m, err := o.Map("events")
		check(t, err)
		check(t, m.SetMaxEntries(1<<19))
	})
	r := openReader(t, findMap(t, o, "events"))
	for range 5 { // around the end
		emit(1)
		var sizes []int
		var err error
		for record := range r.Pending(&err) {
			sizes = append(sizes, len(record))
			if len(record) == size && (record[0] != 'L' || record[size-1] != 'E') {
				t.Errorf("large record has %q at its ends", []byte{record[0], record[size-1]})
			}
		}
		check(t, err)
		if fmt.Sprint(sizes) != fmt.Sprint([]int{recordSize, size}) {
			t.Errorf("records of sizes %v", sizes)
		}
	}
}

// Each wait must be woken, also the one that begins right when a record is written.
func TestRecordsWakesUp(t *testing.T) {
	r := newReader(t, 1<<18)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	const rounds = 500
	var received atomic.Uint64
	done := make(chan error)
	go func() {
		s := sequence{t: t}
		var err error
		for record := range r.Records(ctx, &err) {
			s.record(record)
			if received.Store(s.next); s.next == rounds {
				break
			}
		}
		done <- err
	}()
	for i := range uint64(rounds) {
		for received.Load() < i && ctx.Err() == nil {
			runtime.Gosched()
		}
		if i%10 == 0 {
			time.Sleep(100 * time.Microsecond) // so that it sleeps
		}
		write(toRing, 1)
	}
	check(t, <-done)
}

// receiving runs a loop, which counts records and ends with the context.
func receiving(t *testing.T, r *libbpf.RingReader) (received *atomic.Uint64, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	received = new(atomic.Uint64)
	done := make(chan error)
	go func() {
		s := sequence{t: t}
		var err error
		for record := range r.Records(ctx, &err) {
			s.record(record)
			received.Store(s.next)
		}
		done <- err
	}()
	return received, func() {
		t.Helper()
		cancel()
		wantErr(t, <-done, context.Canceled)
	}
}

func waitFor(n uint64, received *atomic.Uint64) {
	for received.Load() < n {
		time.Sleep(100 * time.Microsecond)
	}
}

// Nobody wakes the loop for these records: it looks by itself.
func TestPollInterval(t *testing.T) {
	r := newReader(t, 1<<18)
	check(t, r.SetPollInterval(time.Millisecond))
	received, end := receiving(t, r)
	for i := range uint64(10) {
		write(toRingSilently, 5)
		waitFor(5*(i+1), received)
	}
	// And it is woken, too.
	check(t, r.SetPollInterval(time.Hour))
	write(toRing, 1)
	waitFor(51, received)
	write(toRing, 1)
	waitFor(52, received)
	end()
	wantErr(t, r.SetPollInterval(-1), libbpf.ErrInvalid)
}

// A loop that coalesces hands over the first record at once, and then nothing for a time, unless it is forced.
func TestCoalesce(t *testing.T) {
	r := newReader(t, 1<<18)
	check(t, r.SetCoalesce(time.Hour))
	received, end := receiving(t, r)
	write(toRing, 1)
	waitFor(1, received)
	time.Sleep(10 * time.Millisecond) // so that it waits
	for range 10 {
		write(toRing, 1)
		time.Sleep(time.Millisecond)
	}
	if n := received.Load(); n != 1 {
		t.Errorf("%d records were handed over, want 1", n)
	}
	// The kernel notifies only of a record that begins at the consumer position.
	if stats := ringStats(t, r); stats.ConsumerPos != 0 || stats.Available != 11*(recordSize+ringHeader) {
		t.Errorf("positions %+v: programs wake the loop", stats)
	}
	write(toRingForced, 1)
	waitFor(12, received)
	// The end of the context ends the pause, and what was seen is consumed.
	write(toRing, 3)
	end()
	if stats := ringStats(t, r); stats.ConsumerPos != 12*(recordSize+ringHeader) {
		t.Errorf("%+v, want 12 records consumed", stats)
	}

	// A short time passes again and again.
	check(t, r.SetCoalesce(time.Millisecond))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := sequence{t: t, next: 12}
	var err error
	writing := make(chan struct{})
	go func() {
		defer close(writing)
		for range 100 {
			write(toRing, 1)
			time.Sleep(100 * time.Microsecond)
		}
	}()
	for record := range r.Records(ctx, &err) {
		if s.record(record); s.next == 115 {
			break
		}
	}
	check(t, err)
	<-writing
	wantErr(t, r.SetCoalesce(-1), libbpf.ErrInvalid)
}

// However a loop ends, what its body has seen is consumed, and the next loop begins behind it.
func TestLoopConsumesWhatItSaw(t *testing.T) {
	r := newReader(t, 1<<18)
	s := sequence{t: t}
	ways := map[string]func(next func(record []byte) (last bool)){
		"break": func(next func([]byte) bool) {
			var err error
			for record := range r.Records(context.Background(), &err) {
				if next(record) {
					break
				}
			}
			check(t, err)
		},
		"panic": func(next func([]byte) bool) {
			defer func() {
				if got := recover(); got != "the body's" {
					t.Errorf("recovered %v", got)
				}
			}()
			for record := range r.Records(context.Background(), nil) {
				if next(record) {
					panic("the body's")
				}
			}
		},
		"Goexit": func(next func([]byte) bool) {
			var wg sync.WaitGroup
			wg.Go(func() {
				for record := range r.Records(context.Background(), nil) {
					if next(record) {
						runtime.Goexit()
					}
				}
			})
			wg.Wait()
		},
		"cancelled in the body": func(next func([]byte) bool) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var err error
			for record := range r.Records(ctx, &err) {
				if next(record) {
					cancel()
					break
				}
			}
			check(t, err)
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			for _, want := range []uint64{1, 2, 700} {
				write(toRing, 1000)
				first := s.next
				way(func(record []byte) bool {
					s.record(record)
					return s.next == first+want
				})
				stats := ringStats(t, r)
				if s.next != first+want || stats.ConsumerPos != s.next*(recordSize+ringHeader) {
					t.Fatalf("%d records, consumer at %d", s.next-first, stats.ConsumerPos)
				}
				if n := s.pending(r); n != 1000-int(want) {
					t.Fatalf("%d records were left", n)
				}
			}
		})
	}
}

// A loop gives space back while it goes on, and all that its body saw before it waits.
func TestLoopGivesSpaceBack(t *testing.T) {
	const size = 1 << 16
	r := newReader(t, size)
	write(toRing, size/(recordSize+ringHeader)-1)
	n := uint64(0)
	var err error
	for range r.Pending(&err) {
		n++
		if held := n*(recordSize+ringHeader) - ringStats(t, r).ConsumerPos; held > size/8+2*(recordSize+ringHeader) {
			t.Fatalf("record %d: %d bytes are held back", n, held)
		}
	}
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error)
	go func() {
		var err error
		for range r.Records(ctx, &err) {
		}
		done <- err
	}()
	for range 100 {
		write(toRing, 1)
		for ringStats(t, r).Available > 0 {
			runtime.Gosched()
		}
	}
	cancel()
	wantErr(t, <-done, context.Canceled)
}

func TestReaderSkipsDiscarded(t *testing.T) {
	r := newReader(t, 1<<18)
	s := sequence{t: t}
	write(discard, 3)
	if n := s.pending(r); n != 0 || ringStats(t, r).Available != 0 {
		t.Errorf("%d records, %+v", n, ringStats(t, r))
	}
	write(toRing, 2)
	write(discard, 1)
	write(toRing, 1)
	write(discard, 1)
	if n := s.pending(r); n != 3 || ringStats(t, r).Available != 0 {
		t.Errorf("%d records, %+v", n, ringStats(t, r))
	}
	// A discarded record wakes it, and must not end the loop.
	go func() {
		for range 100 {
			write(discard, 1)
			time.Sleep(10 * time.Microsecond)
		}
		write(toRing, 1)
	}()
	var err error
	for record := range r.Records(context.Background(), &err) {
		s.record(record)
		break
	}
	check(t, err)
}

// holdRecord writes records, of which number 1 is reserved until release, and then submitted.
func holdRecord(t *testing.T) (r *libbpf.RingReader, release func(), submitted <-chan struct{}) {
	t.Helper()
	o := open(t, "stream")
	check(t, o.SetGlobal("target_tgid", selfTGID(t)))
	check(t, o.SetGlobal("getpgid_nr", unix.SYS_GETPGID))
	p, err := o.Program("on_hold")
	check(t, err)
	check(t, p.SetAutoload(true))
	needs.ToLoad(t, o)
	loaded, err := o.Load()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) {
		testutil.Skip(t, "bpf_loop", err)
	}
	check(t, err)
	t.Cleanup(func() { check(t, loaded.Close()) })
	watchCalls(t, loaded)
	_, err = loaded.Attach()
	check(t, err)
	held, offset, err := loaded.GlobalMemory("held")
	check(t, err)
	t.Cleanup(func() { check(t, held.Close()) })
	isHeld, err := libbpf.MemoryAt[uint64](held, offset)
	check(t, err)
	memory, offset, err := loaded.GlobalMemory("release")
	check(t, err)
	t.Cleanup(func() { check(t, memory.Close()) })
	released, err := libbpf.MemoryAt[uint64](memory, offset)
	check(t, err)

	r = openReader(t, findMap(t, loaded, "ring"))
	write(toRing, 1) // number 0, before the one that is held
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		write(hold, 1)
	}()
	for atomic.LoadUint64(isHeld) == 0 {
		runtime.Gosched()
	}
	write(toRing, 2) // numbers 2 and 3, behind it
	return r, func() { atomic.StoreUint64(released, 1) }, done
}

// A record that is reserved and not yet submitted ends the drain, and wakes who waits when it is submitted.
func TestReaderWaitsForBusyRecord(t *testing.T) {
	r, release, submitted := holdRecord(t)
	s := sequence{t: t}
	if n := s.pending(r); n != 1 {
		t.Errorf("%d records before the one that is held", n)
	}
	if n := s.pending(r); n != 0 || ringStats(t, r).Available != 3*72 {
		t.Errorf("%d records, %+v", n, ringStats(t, r))
	}
	var err error
	timeout, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	ctx := &countingContext{Context: timeout}
	for range r.Records(ctx, &err) {
		t.Error("a record that was not submitted, or one behind it")
	}
	wantErr(t, err, context.DeadlineExceeded)
	if n := ctx.asked.Load(); n > 20 {
		t.Errorf("it asked %d times whether ctx is done: it does not wait", n)
	}
	time.AfterFunc(10*time.Millisecond, release)
	for record := range r.Records(context.Background(), &err) {
		if s.record(record); s.next == 4 {
			break
		}
	}
	check(t, err)
	<-submitted
}

// A loop that coalesces makes the kernel notify of a record that it finds busy.
func TestCoalesceWaitsForBusyRecord(t *testing.T) {
	r, release, submitted := holdRecord(t)
	check(t, r.SetCoalesce(time.Millisecond))
	s := sequence{t: t}
	var err error
	for record := range r.Records(context.Background(), &err) {
		switch s.record(record); s.next {
		case 1:
			time.AfterFunc(20*time.Millisecond, release)
		case 4:
			check(t, err)
			<-submitted
			return
		}
	}
	t.Error(err)
}

// countingContext counts how often somebody asks whether it is done.
type countingContext struct {
	context.Context
	asked atomic.Int64
}

func (c *countingContext) Err() error {
	c.asked.Add(1)
	return c.Context.Err()
}

func TestRecordsContext(t *testing.T) {
	r := newReader(t, 1<<18)
	s := sequence{t: t}
	loop := func(ctx context.Context) (n int, err error) {
		for record := range r.Records(ctx, &err) {
			s.record(record)
			n++
		}
		return n, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(5*time.Millisecond, cancel)
	_, err := loop(ctx)
	wantErr(t, err, context.Canceled)
	_, err = loop(ctx)
	wantErr(t, err, context.Canceled)
	if !strings.Contains(err.Error(), `map "ring"`) {
		t.Errorf("%v does not name the map", err)
	}
	cause := errors.New("the cause")
	because, cancelCause := context.WithCancelCause(context.Background())
	cancelCause(cause)
	_, err = loop(because)
	wantErr(t, err, cause, context.Canceled)
	// A context that is done must not spoil the next wait.
	deadline, cancelDeadline := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancelDeadline()
	start := time.Now()
	_, err = loop(deadline)
	wantErr(t, err, context.DeadlineExceeded)
	if time.Since(start) < 5*time.Millisecond {
		t.Error("it did not wait")
	}
	// Such records wake nobody. The first one comes with the end of ctx at the latest, the other one perhaps with the
	// next loop.
	silent, cancelSilent := newWaitedFor()
	go func() {
		<-silent.waits
		write(toRingSilently, 2)
		cancelSilent()
	}()
	n, err := loop(silent)
	wantErr(t, err, context.Canceled)
	if rest := s.pending(r); n == 0 || n+rest != 2 {
		t.Errorf("%d records, then %d", n, rest)
	}
	//lint:ignore SA1012 what it does must be known
	for range r.Records(nil, &err) {
	}
	wantErr(t, err, libbpf.ErrInvalid)
}

// A record that ends the wait is handed over, also when ctx is done by then.
func TestRecordsLeavesNothing(t *testing.T) {
	r := newReader(t, 1<<18)
	left := 0
	const rounds = 500
	for range rounds {
		ctx, cancel := newWaitedFor()
		done := make(chan int)
		go func() {
			n := 0
			for range r.Records(ctx, nil) {
				n++
			}
			done <- n
		}()
		<-ctx.waits
		write(toRing, 1)
		cancel()
		if n := <-done; n != 1 {
			left++
		}
		for range r.Pending(nil) {
		}
	}
	if left > 0 {
		t.Errorf("the loop ended with a record left in %d of %d rounds", left, rounds)
	}
}

// What a loop over records is, of each kind.
type loop struct {
	write   func(n int)
	records func(ctx context.Context, err *error, body func()) // Records, or what there is in its place
	pending func(body func()) int
	ahead   int // how many records it may be ahead of the body
}

// loops are loops of each kind.
func loops(t *testing.T, test func(t *testing.T, l loop)) {
	toReader := func(t *testing.T) (*libbpf.RingReader, loop) {
		r := newReader(t, 1<<18)
		return r, loop{
			write: func(n int) { write(toRing, n) },
			records: func(ctx context.Context, err *error, body func()) {
				for range r.Records(ctx, err) {
					body()
				}
			},
			pending: func(body func()) (n int) {
				var err error
				for range r.Pending(&err) {
					n++
					body()
				}
				check(t, err)
				return n
			},
		}
	}
	t.Run("RingReader", func(t *testing.T) {
		_, l := toReader(t)
		test(t, l)
	})
	t.Run("Copies", func(t *testing.T) {
		r, l := toReader(t)
		l.records = func(ctx context.Context, err *error, body func()) {
			for range r.Copies(ctx, err) {
				body()
			}
		}
		test(t, l)
	})
	t.Run("RingChannel", func(t *testing.T) {
		r, l := toReader(t)
		l.ahead = 1 << 10 / recordSize
		l.records = func(ctx context.Context, err *error, body func()) {
			records := make(chan []byte)
			done := make(chan error)
			go func() { done <- libbpf.NewRingChannel(r, records, libbpf.RingChannelOptions{}).Run(ctx) }()
			for {
				select {
				case <-records:
					body()
				case *err = <-done:
					return
				}
			}
		}
		test(t, l)
	})
	t.Run("PerfReader", func(t *testing.T) {
		o := loadStream(t, nil)
		pinToCPU(t, 0)
		r := openPerfReader(t, o, libbpf.PerfReaderOptions{})
		test(t, loop{
			write: func(n int) { write(toPerf, n) },
			records: func(ctx context.Context, err *error, body func()) {
				for range r.Records(ctx, err) {
					body()
				}
			},
			pending: func(body func()) (n int) {
				var err error
				for range r.Pending(&err) {
					n++
					body()
				}
				check(t, err)
				return n
			},
		})
	})
}

// Once the context is done, the body sees no record; what it would have seen stays.
func TestLoopEndsWithContext(t *testing.T) {
	const written, inKiB = 1000, 1 << 10 / recordSize
	loops(t, func(t *testing.T, l loop) {
		run := func(ctx context.Context, body func(n int), least, most int) {
			t.Helper()
			l.write(written)
			n := 0
			var err error
			l.records(ctx, &err, func() {
				n++
				body(n)
			})
			wantErr(t, err, ctx.Err())
			if rest := l.pending(func() {}); n < least || n > most || n+rest != written {
				t.Errorf("%d records, then %d of %d, want %d to %d", n, rest, written, least, most)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		run(ctx, func(int) {}, 0, 0)
		passed, cancel := context.WithTimeout(context.Background(), -time.Second)
		defer cancel()
		run(passed, func(int) {}, 0, 0)

		ctx, cancel = context.WithCancel(context.Background())
		run(ctx, func(int) { cancel() }, 1, 1+l.ahead)
		soon, cancelSoon := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancelSoon()
		run(soon, func(int) { <-soon.Done() }, 0, 1+l.ahead)

		// Later on, a body that ends the context itself sees the rest of a KiB.
		ctx, cancel = context.WithCancel(context.Background())
		run(ctx, func(n int) {
			if n == 700 {
				cancel()
			}
		}, 700, 700+inKiB+l.ahead)
	})
}

// The body of a loop that takes its time sees none of the rest of a KiB, because the runtime gets to raise the flag.
func TestSlowLoopEndsWithContext(t *testing.T) {
	loops(t, func(t *testing.T, l loop) {
		endsAtSecond(t, func(ctx context.Context, body func()) (n, rest int) {
			l.write(100)
			var err error
			l.records(ctx, &err, func() { n++; body() })
			wantErr(t, err, context.Canceled)
			return n, l.pending(func() {})
		})
	})
}

// endsAtSecond ends the context in the second of 100 records, and takes its time there. receive calls body for each
// record, and returns how many records it got before the end, and how many were left. Once, these must be 2 and 98: the
// runtime may need longer.
func endsAtSecond(t *testing.T, receive func(ctx context.Context, body func()) (n, rest int)) {
	t.Helper()
	const most = 1000
	for round := 0; ; round++ {
		ctx, cancel := context.WithCancel(context.Background())
		calls := 0
		n, rest := receive(ctx, func() {
			if calls++; calls == 2 {
				cancel()
				time.Sleep(time.Millisecond)
			}
		})
		switch {
		case n+rest != 100:
			t.Fatalf("%d records, then %d", n, rest)
		case n == 2:
			return
		case round == most:
			t.Fatalf("%d records in round %d", n, round)
		}
	}
}

// Pending ends, however fast programs write: it is over what was there when it began.
func TestPendingEnds(t *testing.T) {
	loops(t, func(t *testing.T, l loop) {
		l.write(100)
		calls := 0
		body := func() {
			if calls++; calls > 1000 {
				t.Fatal("it does not end")
			}
			l.write(1)
		}
		for range 2 {
			if n := l.pending(body); n != 100 {
				t.Errorf("%d records", n)
			}
		}
	})
}

// A Close that comes while the loop looks whether it must end is not missed.
func TestCloseWhileLoopLooks(t *testing.T) {
	r := newReader(t, 1<<18)
	write(toRing, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	closing := &closingContext{Context: ctx, r: r, at: 3}
	n := 0
	var err error
	for range r.Records(closing, &err) {
		if closing.at <= 0 {
			t.Fatal("a record after Close")
		}
		n++
	}
	wantErr(t, err, libbpf.ErrClosed)
	if n == 0 || n == 1000 {
		t.Errorf("%d records", n)
	}
}

// closingContext closes a reader when it is asked for the third time whether it is done.
type closingContext struct {
	context.Context
	r  *libbpf.RingReader
	at int
}

func (c *closingContext) Err() error {
	if c.at--; c.at == 0 {
		_ = c.r.Close()
	}
	return c.Context.Err()
}

func TestCopies(t *testing.T) {
	r := newReader(t, 1<<12)
	s := sequence{t: t}
	var kept [][]byte
	for range 10 { // around the ring
		write(toRing, 40)
		var err error
		for record := range r.Copies(context.Background(), &err) {
			kept = append(kept, record)
			if len(kept)%40 == 0 {
				break
			}
		}
		check(t, err)
	}
	if len(kept) != 400 {
		t.Errorf("%d copies", len(kept))
	}
	for _, record := range kept {
		s.record(record)
		record[0]++ // it is the caller's
	}
}

// One loop at a time: a second one would hand out the same records.
func TestOneLoopAtATime(t *testing.T) {
	r := newReader(t, 1<<18)
	write(toRing, 2)
	s := sequence{t: t}
	var err error
	for record := range r.Pending(&err) {
		s.record(record)
		var second error
		for range r.Pending(&second) {
			t.Error("a loop within a loop")
		}
		wantErr(t, second, unix.EBUSY)
		for range r.Records(context.Background(), &second) {
			t.Error("a loop within a loop")
		}
		wantErr(t, second, unix.EBUSY)
	}
	check(t, err)
	if s.next != 2 {
		t.Errorf("%d records", s.next)
	}
}

func TestCloseInLoop(t *testing.T) {
	r := newReader(t, 1<<18)
	write(toRing, 5)
	var err error
	var record []byte
	n := 0
	for record = range r.Records(context.Background(), &err) {
		n++
		check(t, r.Close())
		if binary.NativeEndian.Uint64(record) != 0 { // still mapped
			t.Error("another record")
		}
	}
	wantErr(t, err, libbpf.ErrClosed, os.ErrClosed)
	if n != 1 {
		t.Errorf("%d records", n)
	}
	if !bytes.Equal(record, make([]byte, recordSize)) { // nobody's now, but there
		t.Errorf("%v", record)
	}
	for range r.Pending(&err) {
		t.Error("a record after Close")
	}
	wantErr(t, err, libbpf.ErrClosed)
	_, err = r.Stats()
	wantErr(t, err, libbpf.ErrClosed)
	check(t, r.Close())
}

func TestCloseWakesRecords(t *testing.T) {
	o := loadStream(t, nil)
	for range 100 {
		r := openReader(t, findMap(t, o, "ring"))
		done := make(chan error)
		go func() {
			var err error
			for range r.Records(context.Background(), &err) {
			}
			done <- err
		}()
		runtime.Gosched()
		check(t, r.Close())
		wantErr(t, <-done, libbpf.ErrClosed)
	}
}

// Loops, statistics and Close at once, while the addresses of closed readers are taken by new ones.
func TestReaderRacesWithClose(t *testing.T) {
	o := loadStream(t, nil)
	m := findMap(t, o, "ring")
	stop := make(chan struct{})
	var producing sync.WaitGroup
	producing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				write(toRing, 100)
			}
		}
	})
	for range 200 {
		r := openReader(t, m)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					var err error
					sum := 0
					for record := range r.Records(context.Background(), &err) {
						sum += int(record[0])
					}
					if errors.Is(err, libbpf.ErrClosed) {
						return
					}
					if !errors.Is(err, unix.EBUSY) {
						t.Error(err)
						return
					}
					if _, err := r.Stats(); err != nil && !errors.Is(err, libbpf.ErrClosed) {
						t.Error(err)
					}
					runtime.Gosched()
				}
			})
		}
		time.Sleep(200 * time.Microsecond)
		check(t, r.Close())
		wg.Wait()
	}
	close(stop)
	producing.Wait()
}

// The addresses of closed readers serve the next ones.
func TestReadersLeaveNoMappings(t *testing.T) {
	const size = 1 << 20
	m, err := libbpf.CreateMap(libbpf.MapTypeRingBuf, "ring", 0, 0, size, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	addresses := func() (pages uint64) {
		statm, err := os.ReadFile("/proc/self/statm")
		check(t, err)
		_, err = fmt.Sscan(string(statm), &pages)
		check(t, err)
		return pages
	}
	before := addresses()
	for range 1000 {
		r, err := libbpf.NewRingReader(m)
		check(t, err)
		check(t, r.Close())
	}
	if grown := (addresses() - before) * uint64(os.Getpagesize()); grown > 500*size {
		t.Errorf("%d bytes of addresses more", grown)
	}
}

// A thousand readers that wait do not cost a thousand threads.
func TestThousandReaders(t *testing.T) {
	testutil.Root(t)
	o := loadStream(t, func(o *libbpf.OpenObject) {
		m, err := o.Map("ring")
		check(t, err)
		check(t, m.SetMaxEntries(uint32(os.Getpagesize())))
	})
	const readers = 1000
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var waiting, woken atomic.Int64
	for i := range readers {
		var m libbpf.MapCore = findMap(t, o, "ring")
		if i > 0 {
			handle, err := libbpf.CreateMap(libbpf.MapTypeRingBuf, "idle", 0, 0, uint32(os.Getpagesize()), libbpf.MapCreateOptions{})
			check(t, err)
			defer handle.Close()
			m = handle
		}
		r, err := libbpf.NewRingReader(m)
		check(t, err)
		defer r.Close()
		wg.Go(func() {
			waiting.Add(1)
			var err error
			for range r.Records(ctx, &err) {
				woken.Add(1)
			}
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	for waiting.Load() < readers {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(10 * time.Millisecond)
	threads, err := os.ReadDir("/proc/self/task")
	check(t, err)
	if len(threads) > 100 {
		t.Errorf("%d threads", len(threads))
	}
	write(toRing, 1)
	for woken.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	wg.Wait()
	if woken.Load() != 1 {
		t.Errorf("%d records", woken.Load())
	}
}

// Neither records nor waits allocate.
func TestRecordsDoNotAllocate(t *testing.T) {
	r := newReader(t, 1<<18)
	sum := 0
	read := func() {
		write(toRing, 1000)
		n := 0
		for record := range r.Records(context.Background(), nil) {
			sum += int(record[0])
			if n++; n == 1000 {
				break
			}
		}
	}
	if allocs := testutil.AllocsPerRun(10, read); allocs > 20 {
		t.Errorf("%v allocations for 1000 records", allocs)
	}
	request, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stop)
		for range request {
			for range 100 { // so that the reader waits
				runtime.Gosched()
			}
			write(toRing, 1)
		}
	}()
	wait := func() {
		n := 0
		request <- struct{}{}
		for record := range r.Records(context.Background(), nil) {
			sum += int(record[0])
			if n++; n == 1000 {
				break
			}
			request <- struct{}{}
		}
	}
	if allocs := testutil.AllocsPerRun(3, wait); allocs > 100 {
		t.Errorf("%v allocations for 1000 waits", allocs)
	}
	close(request)
	<-stop
}

// consumerPosition is that of a ring buffer: who may write to the map may write anything to it.
func consumerPosition(t *testing.T, m libbpf.MapCore) *uintptr {
	t.Helper()
	page, err := unix.Mmap(m.FD(), 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	check(t, err)
	t.Cleanup(func() { check(t, unix.Munmap(page)) })
	return (*uintptr)(unsafe.Pointer(&page[0]))
}

func TestReaderRefusesWrongPositions(t *testing.T) {
	o := loadStream(t, nil)
	m := findMap(t, o, "ring")
	position := consumerPosition(t, m)
	r := openReader(t, m)
	write(toRing, 100)
	const step = recordSize + ringHeader
	for _, wrong := range []uintptr{50*step + 20, 100 * step * 2, ^uintptr(1<<19 - 1), 99*step + 8, 50*step + 16} {
		atomic.StoreUintptr(position, wrong)
		n := 0
		var err error
		for range r.Pending(&err) {
			n++
		}
		// In the middle of a record lie zeroes, which look like empty records. The last one's number, 99, looks like
		// the length of a record, unless its upper half comes first.
		zeroes := wrong == 50*step+16 || bigEndian && wrong == 99*step+8
		if n > 100+step/8 || n > 0 && (wrong%8 != 0 || wrong == 99*step+8 && !zeroes) ||
			err == nil && atomic.LoadUintptr(position) != 100*step {
			t.Errorf("consumer at %d: %d records, %v", wrong, n, err)
		}
		if err != nil {
			wantErr(t, err, unix.EBADMSG)
		} else if !zeroes {
			t.Errorf("consumer at %d: no error", wrong)
		}
	}
}

// After Close there is no record, least of all beyond what programs wrote, whatever the consumer position is then.
func TestCloseInLoopWithWrongPosition(t *testing.T) {
	const step = recordSize + ringHeader
	o := loadStream(t, nil)
	m := findMap(t, o, "ring")
	position := consumerPosition(t, m)
	for _, ahead := range []uintptr{step, 100 * step, 1 << 30, 1 << 31} {
		r := openReader(t, m)
		write(toRing, 2)
		n := 0
		var err error
		for range r.Records(context.Background(), &err) {
			if n++; n > 10 {
				break
			}
			atomic.AddUintptr(position, step+ahead)
			check(t, r.Close())
		}
		if n != 1 {
			t.Errorf("consumer %d bytes ahead: %d records", ahead, n)
		}
		wantErr(t, err, libbpf.ErrClosed)
	}
}

func TestRingReaderErrors(t *testing.T) {
	o := loadStream(t, nil)
	_, err := libbpf.NewRingReader(nil)
	wantErr(t, err, libbpf.ErrClosed)
	_, err = libbpf.NewRingReader(new(libbpf.Map))
	wantErr(t, err, libbpf.ErrClosed)
	_, err = libbpf.NewRingReader(findMap(t, o, "perf"))
	wantErrSaying(t, err, libbpf.ErrInvalid, `open reader of map "perf": `, "but of type perf_event_array")
	ring := findMap(t, o, "ring")
	r := openReader(t, ring)
	check(t, o.Close())
	_, err = libbpf.NewRingReader(ring)
	wantErr(t, err, libbpf.ErrClosed)
	// The reader works on without the object.
	for range r.Pending(&err) {
		t.Error("a record")
	}
	check(t, err)
	for range r.Records(nil, &err) {
		t.Error("a record without a context")
	}
	wantErrSaying(t, err, libbpf.ErrInvalid, `read map "ring": the context is nil`)
	for range r.Records(nil, nil) { // nor is there a place for the error
		t.Error("a record without a context")
	}
	check(t, r.SetCoalesce(0))
	check(t, r.SetPollInterval(0))
	wantErrSaying(t, r.SetCoalesce(-1), libbpf.ErrInvalid, "the time is -1ns and must not be negative")
	check(t, r.Close())
	var none *libbpf.RingReader
	for what, r := range map[string]*libbpf.RingReader{"ring buffer": none, `map "ring"`: r} {
		for range r.Records(context.Background(), &err) {
			t.Error("a record of nobody's")
		}
		wantErrSaying(t, err, libbpf.ErrClosed, "read "+what)
		for range r.Pending(&err) {
			t.Error("a record of nobody's")
		}
		wantErrSaying(t, err, libbpf.ErrClosed, "read "+what)
		_, err = r.Stats()
		wantErrSaying(t, err, libbpf.ErrClosed, "get statistics of "+what)
		wantErrSaying(t, r.SetCoalesce(0), libbpf.ErrClosed, "set the coalescing time of "+what)
		wantErrSaying(t, r.SetPollInterval(0), libbpf.ErrClosed, "set the poll interval of "+what)
		check(t, r.Close())
	}
	if text := none.String(); text != "ring reader" {
		t.Error(text)
	}
}

// A ring whose records are overwritten is refused by whoever would read it.
func TestOverwritingRing(t *testing.T) {
	m, err := libbpf.CreateMap(libbpf.MapTypeRingBuf, "overwriting", 0, 0, 1<<16,
		libbpf.MapCreateOptions{Flags: libbpf.CreateRingBufOverwrite})
	if errors.Is(err, unix.EINVAL) {
		testutil.Skip(t, "ringbuf-overwrite", err)
	}
	check(t, err)
	defer m.Close()
	_, err = libbpf.NewRingReader(m)
	wantErr(t, err, errors.ErrUnsupported)
	source := libbpf.RingSource{Map: m, Callback: func([]byte) error { return nil }}
	_, err = libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{source}}.Build()
	wantErr(t, err, errors.ErrUnsupported)
}
