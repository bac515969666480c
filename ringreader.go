package libbpf

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	"github.com/libbpf-go/libbpf-go/internal/ring"
	"github.com/libbpf-go/libbpf-go/internal/wait"
)

// RingReader reads the records of one ring buffer map in place: the body of the loop sees each record where the program
// wrote it. There is no copy, no call into C, and no thread that waits. It is the fastest way to receive records, about
// as fast as C.
//
//	ring, err := libbpf.NewRingReader(events)
//	...
//	defer ring.Close()
//	for record := range ring.Records(ctx, &err) {
//		...
//	}
//	return err // why it ended
//
// The bytes of a record are valid until the body of the loop returns. Copy them to keep them, or use
// [RingReader.Copies]. They are read-only memory of the kernel: a write to them is a fault that no program can recover
// from. Bytes that are kept by mistake may change at any time, but reading them does not crash, not even after Close.
//
// Records come in the order in which programs reserved them. Discarded ones are skipped. A record that a program has
// reserved and not yet submitted holds up those behind it.
//
// A record is consumed when it is handed to the body of the loop, however the loop ends: by break, return, a panic or
// an error. All other records stay in the ring buffer. The loop gives the space of consumed records back to programs in
// batches of at most 32 KiB or an eighth of the ring buffer, whichever is less, and always before it ends or waits until
// the kernel wakes it.
//
// All methods are safe for concurrent use. The body of a loop may call them too, also Close. Only one loop runs at a
// time: a second one ends at once, and its error matches unix.EBUSY. No other reader of the same map, in this process
// or another one, may consume meanwhile: a record would reach one reader or both.
type RingReader struct {
	h       *handle.Handle
	what    string    // for errors
	file    wait.File // a duplicate of the map's descriptor
	ready   func(fd uintptr) bool
	closed  chan struct{} // closed by Close
	reading atomic.Bool   // while a loop runs
	ring    ring.Reader

	coalesce, pollInterval atomic.Int64 // a time.Duration each
}

// NewRingReader opens a ring buffer, a map of type [MapTypeRingBuf], and maps it into memory (mmap, Linux 5.8).
//
// The caller closes the result. It has a descriptor and a mapping of its own, so it stays usable when the map is
// closed. It begins where the last reader of the ring buffer stopped. If the map has [CreateRingBufOverwrite], the
// error matches [errors.ErrUnsupported].
func NewRingReader(m MapCore) (*RingReader, error) {
	const op = "open reader of"
	c, err := ringOf(op, m)
	if err != nil {
		return nil, err
	}
	fd, err := dupMapFD(m)
	if err != nil {
		return nil, c.fail(op, err)
	}
	r := &RingReader{what: c.String(), closed: make(chan struct{})}
	if err := r.open(fd, uintptr(c.maxEntries)); err != nil {
		return nil, c.fail(op, err)
	}
	return r, nil
}

// open takes over fd, also when it fails.
func (r *RingReader) open(fd int, size uintptr) error {
	if err := r.file.Open(fd, r.what, func() error { return r.h.Err() }); err != nil {
		return err
	}
	mapped, err := mapRing(fd, size)
	if err != nil {
		r.file.Close()
		return err
	}
	r.h = handle.New(handle.Resource{
		Release: mapped.memory.Retire,
		Wake: func() {
			close(r.closed)
			r.file.Close()
		},
	})
	r.ring = ring.NewReader(mapped.Buffer)
	r.ready = func(uintptr) bool { return r.ring.Pending() }
	return nil
}

func (r *RingReader) fail(op string, err error) error {
	if r == nil {
		return &Error{Op: op, Object: "ring buffer", Err: err}
	}
	return &Error{Op: op, Object: r.what, Err: err}
}

func (r *RingReader) acquire() error {
	if r == nil {
		return ErrClosed
	}
	return r.h.Acquire()
}

// Records iterates over the records, and waits for more when there are none. It ends when ctx is done, when the reader
// is closed, when reading fails or when the body leaves the loop. *err says why: it is nil if the body left the loop;
// otherwise it matches the error of ctx and its cause, or [ErrClosed], or unix.EBADMSG if the positions in the ring
// buffer are impossible. err may be nil.
//
// After ctx is done, the body sees no more records, and those that remain stay in the ring buffer for the next loop,
// which may be [RingReader.Pending]. There are two exceptions. A record that ended a wait is handed over. And if the
// body itself ends ctx, it may see up to 1 KiB more of records, until the Go runtime has passed on that ctx is done. A
// loop whose ctx is done before it begins sees no record.
//
// No thread is blocked while the loop waits. The kernel wakes it for a record that is submitted without flags only if
// all records before it were consumed, for one with BPF_RB_NO_WAKEUP never, and for one with BPF_RB_FORCE_WAKEUP
// always. A woken loop reads all records that are there.
func (r *RingReader) Records(ctx context.Context, err *error) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { r.iterate(ctx, true, err, yield) }
}

// Copies is [RingReader.Records] with copies of the records, which the caller may keep and change.
func (r *RingReader) Copies(ctx context.Context, err *error) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		r.Records(ctx, err)(func(record []byte) bool { return yield(bytes.Clone(record)) })
	}
}

// Pending iterates over the records that are there when it begins, and does not wait. *err is nil unless an error ended
// it: see [RingReader.Records].
func (r *RingReader) Pending(err *error) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { r.iterate(context.Background(), false, err, yield) }
}

// iterate is every loop.
func (r *RingReader) iterate(ctx context.Context, waits bool, err *error, yield func([]byte) bool) {
	if err == nil {
		err = new(error)
	}
	if ctx == nil {
		*err = r.fail("read", fault.Invalidf("the context is nil"))
		return
	}
	if *err = r.begin(); *err != nil {
		return
	}
	defer r.end()
	for {
		before := r.ring.Next()
		left, failed := r.handOver(ctx, waits, yield)
		switch {
		case left, failed == nil && !waits:
			return
		case failed == nil:
			failed = r.wait(ctx, r.ring.Next() != before)
		}
		if failed != nil {
			*err = r.fail("read", failed)
			return
		}
	}
}

// wait waits until it is time to look for records again. busy says that there were some since the last wait.
func (r *RingReader) wait(ctx context.Context, busy bool) error {
	if coalesce := time.Duration(r.coalesce.Load()); busy && coalesce > 0 {
		// The space of the last records is not given back yet. So the kernel notifies nobody of those that come, and
		// does no work for that: only a forced wake-up ends the pause.
		return r.file.Pause(ctx, coalesce, r.ready)
	}
	r.ring.Publish()
	return r.file.UntilReadable(ctx, time.Duration(r.pollInterval.Load()), r.ready)
}

// begin makes the caller the only one who reads.
func (r *RingReader) begin() error {
	const op = "read"
	if err := r.acquire(); err != nil {
		return r.fail(op, err)
	}
	if !r.reading.CompareAndSwap(false, true) {
		r.h.Drop()
		return r.fail(op, fmt.Errorf("another loop is reading it: %w", unix.EBUSY))
	}
	r.ring.Begin()
	return nil
}

// end publishes what was handed over, also during a panic.
func (r *RingReader) end() {
	r.ring.Publish()
	r.file.Unwatch()
	r.reading.Store(false)
	r.h.Drop()
}

// handOver hands records to the body of the loop until there are none, or the body leaves the loop. A loop that waits
// also takes the records that come meanwhile.
func (r *RingReader) handOver(ctx context.Context, waits bool, yield func([]byte) bool) (left bool, err error) {
	for look := uintptr(0); ; { // in bytes: the first record is followed by a look at ctx
		if waits {
			r.ring.Extend()
		}
		room, isDiscarded, err := r.ring.Peek()
		switch {
		case err != nil:
			return false, err
		case room == 0:
			return false, nil
		}
		if !r.ring.Granted(room) || r.file.IsRaised() {
			if look > 0 {
				r.file.Watch(ctx)
			}
			if err := r.file.Reason(ctx); err != nil {
				return false, err
			}
			r.ring.Grant(room, look)
			look = wait.BytesBetweenLooks(ctx, r.ring.Lease())
		}
		if isDiscarded {
			r.ring.Skip(room)
		} else if !r.ring.Read(&r.file.Flag, yield) {
			return true, nil
		}
	}
}

// SetCoalesce makes loops wait for at least so long after they have handed over records, before they look for more: a
// delay of these records for less CPU time. One wake-up then hands over all records that came meanwhile, and the kernel
// notifies nobody of them, which also takes less CPU time of programs. A record that comes when there was none for so
// long is handed over at once, and one with BPF_RB_FORCE_WAKEUP ends the wait. A loop that has no records takes no CPU
// time.
//
// The last records that were handed over, up to 32 KiB or an eighth of the ring buffer, take space until the wait is
// over. Choose a time in which programs don't fill the rest: what has no room is lost. The kernel's timers add about
// 50 µs.
//
// 0, which a new reader has, hands over each record as soon as possible. The time holds from the next wait on, for all
// loops. errors.Is: [ErrInvalid] if the time is negative, [ErrClosed].
func (r *RingReader) SetCoalesce(least time.Duration) error {
	if err := r.checkTime("set the coalescing time of", least); err != nil {
		return err
	}
	r.coalesce.Store(int64(least))
	return nil
}

// SetPollInterval makes loops that wait look for records at least so often, for programs that submit records with
// BPF_RB_NO_WAKEUP. Each look wakes a thread, also when there is nothing: an interval of 10 ms takes about a thousandth
// of a CPU. 0, which a new reader has, leaves it to the kernel to wake the loop. The interval holds from the next wait
// on, for all loops. errors.Is: [ErrInvalid] if the interval is negative, [ErrClosed].
func (r *RingReader) SetPollInterval(interval time.Duration) error {
	if err := r.checkTime("set the poll interval of", interval); err != nil {
		return err
	}
	r.pollInterval.Store(int64(interval))
	return nil
}

func (r *RingReader) checkTime(op string, d time.Duration) error {
	if err := r.acquire(); err != nil {
		return r.fail(op, err)
	}
	defer r.h.Drop()
	if d < 0 {
		return r.fail(op, fault.Invalidf("the time is %v and must not be negative", d))
	}
	return nil
}

// Stats says how full the ring buffer is. Records whose space a running loop has not yet given back count as available.
func (r *RingReader) Stats() (RingStats, error) {
	if err := r.acquire(); err != nil {
		return RingStats{}, r.fail("get statistics of", err)
	}
	defer r.h.Drop()
	consumer, producer := r.ring.Positions()
	return RingStats{
		Size: uint64(r.ring.Size()), Available: uint64(producer - consumer),
		ConsumerPos: uint64(consumer), ProducerPos: uint64(producer),
	}, nil
}

// Close closes the reader and wakes a loop that waits. It does not wait itself: a loop in another goroutine may hand
// over one more record. It is idempotent.
func (r *RingReader) Close() error {
	if r == nil {
		return nil
	}
	err := r.h.Close()
	r.file.Raise() // the first call of Close may not have done that yet
	return closing(r.String(), err)
}

// String is such as `reader of map "events"`.
func (r *RingReader) String() string {
	if r == nil {
		return "ring reader"
	}
	return "reader of " + r.what
}
