package libbpf

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// RingReader reads the records of one ring buffer map in place: the loop's body sees them where the program wrote
// them, without a copy, a call into C or a thread that waits. It is the fastest way to receive records, about as fast
// as C.
//
//	ring, err := libbpf.NewRingReader(events)
//	...
//	defer ring.Close()
//	for record := range ring.Records(ctx, &err) {
//		...
//	}
//	return err // why it ended
//
// The bytes of a record are valid until its turn of the loop ends; they are read-only memory of the kernel's, and
// writing to them is a fault that can't be recovered from. Whoever wants to keep them copies them, or uses
// [RingReader.Copies]. Bytes that were kept by mistake change under the reader's eyes, also after Close, but never
// crash it.
//
// Records come in the order in which programs reserved them. Those that were handed to the loop's body are consumed,
// no more and no less, however the loop ends: by break, return, a panic or an error. The space that they took is
// given back to programs a batch at a time, and at the latest before the loop waits or ends. A record that a program
// has reserved and not submitted yet holds up those behind it; discarded ones are skipped.
//
// All methods are safe for concurrent use, Close included, from within a loop too. Only one loop at a time can run: a
// second one ends at once, with unix.EBUSY. Other readers of the same map, in this process or another, must not
// consume at the same time: each record would reach one of them or both.
type RingReader struct {
	h    *handle.Handle
	what string

	interrupt // its file is a duplicate of the map's descriptor
	ready     func(fd uintptr) bool
	closed    chan struct{} // closed by Close

	mappedRing
	reading atomic.Bool // while there is a loop
}

// NewRingReader maps a ring buffer, a map of type [MapTypeRingBuf], into memory (mmap, Linux 5.8). The caller owns
// the result. It has a descriptor and mappings of its own, so it works on when the map is closed. Reading goes on
// where the ring's last reader stopped. errors.Is(err, [errors.ErrUnsupported]) for a map with [RingBufOverwrite].
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
	r := &RingReader{what: c.object()}
	if err := r.open(fd, uintptr(c.maxEntries)); err != nil {
		return nil, c.fail(op, err)
	}
	return r, nil
}

// open takes fd over, also when it fails.
func (r *RingReader) open(fd int, size uintptr) error {
	if err := r.interrupt.open(fd, r.what); err != nil {
		return err
	}
	var err error
	if r.mappedRing, err = openMappedRing(fd, size); err != nil {
		_ = r.file.Close()
		return err
	}
	r.ready = func(uintptr) bool { return r.hasRecord(r.pos) }
	r.closed = make(chan struct{})
	r.h = handle.New(handle.Resource{
		Release: func() error { return r.memory.retire() },
		Wake: func() {
			close(r.closed)
			r.interrupt.close()
		},
	})
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

// Records iterates over the records, and waits for more when there is none, until ctx is done or the reader is
// closed. Why it ended is in *err, which is nil only after the loop was left by its body: ctx's error and its cause,
// or [ErrClosed].
//
// When ctx is done, the body sees no other record, but for two cases: one that ended a wait, so it is not left behind;
// and the rest of a KiB of records, where ctx is done by the body itself, and that is so quick that the news is not
// there yet. Records that remain stay in the ring for the next loop, which may be [RingReader.Pending]. A loop whose
// ctx was done before it sees none.
//
// No thread is blocked while it waits. Programs that write with BPF_RB_NO_WAKEUP do not wake it: such records come
// with the next that is written with BPF_RB_FORCE_WAKEUP, or with the next loop. One that is written without flags
// wakes only if there is none before it.
func (r *RingReader) Records(ctx context.Context, err *error) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if err == nil {
			err = new(error)
		}
		if ctx == nil {
			*err = r.fail("read", fault.Invalidf("the context is nil"))
			return
		}
		r.iterate(ctx, err, yield)
	}
}

// Copies is [RingReader.Records], with records that are the caller's own.
func (r *RingReader) Copies(ctx context.Context, err *error) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		r.Records(ctx, err)(func(record []byte) bool { return yield(bytes.Clone(record)) })
	}
}

// Pending iterates over the records that are there when it begins, without waiting for more. If the loop ended because
// of an error, that is in *err.
func (r *RingReader) Pending(err *error) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { r.iterate(nil, err, yield) }
}

// iterate is a loop; a nil ctx is one that does not wait.
func (r *RingReader) iterate(ctx context.Context, err *error, yield func([]byte) bool) {
	if err == nil {
		err = new(error)
	}
	if *err = r.begin(); *err != nil {
		return
	}
	defer r.end()
	waits := ctx != nil
	if !waits {
		ctx = context.Background()
	}
	for {
		left, failed := r.handOver(ctx, waits, yield)
		switch {
		case left, failed == nil && !waits:
			return
		case failed == nil:
			failed = r.wait(ctx, r.h, r.ready)
		}
		if failed != nil {
			*err = r.fail("read", failed)
			return
		}
	}
}

// begin makes the caller the only one who reads.
func (r *RingReader) begin() error {
	const op = "read"
	if err := r.acquire(); err != nil {
		return r.fail(op, err)
	}
	if !r.reading.CompareAndSwap(false, true) {
		r.h.Drop()
		return r.fail(op, fmt.Errorf("there is another loop: %w", unix.EBUSY))
	}
	r.mappedRing.begin()
	return nil
}

// end publishes what was handed over, also in the course of a panic.
func (r *RingReader) end() {
	r.publish()
	r.stopWatching()
	r.reading.Store(false)
	r.h.Drop()
}

// putBack makes the record that the body of the loop has in hand, which it is about to leave, the next loop's first.
func (r *RingReader) putBack(record []byte) { r.pos -= ringRoom(uintptr(len(record))) }

// handOver hands records to the loop's body until there is none, or the body leaves the loop. In a loop that waits,
// those belong to it that come meanwhile.
func (r *RingReader) handOver(ctx context.Context, waits bool, yield func([]byte) bool) (left bool, err error) {
	r.leaseEnd = r.pos
	for look := uintptr(0); ; { // in bytes: the first record is followed by a look at ctx
		if waits {
			r.until = r.producer.Load()
		}
		header, length, room, err := r.current()
		switch {
		case err != nil:
			return false, err
		case header == nil:
			r.publish()
			return false, nil
		}
		if int(r.leaseEnd-r.pos) < int(room) || r.isRaised() {
			if look > 0 {
				r.watch(ctx)
			}
			if err := r.reason(ctx, r.h); err != nil {
				return false, err
			}
			r.grant(room, look)
			look = bytesBetweenLooks(ctx, r.lease)
		}
		if length&ringDiscard != 0 {
			r.pos += room
		} else if !r.handOverLease(yield) {
			return true, nil
		}
	}
}

// handOverLease hands over records until there is one that goes beyond the lease, or has a flag and so seems to, or the
// loop is interrupted. It does no more, and has as few variables as can be, because all are saved and restored around
// each call of the body.
func (r *RingReader) handOverLease(yield func([]byte) bool) bool {
	for {
		pos := r.pos
		header := unsafe.Add(r.data, pos&r.mask)
		// The length comes with the bytes behind it: the kernel writes it last.
		length := uintptr(atomic.LoadUint32((*uint32)(header)))
		if length >= ringDiscard || int(r.leaseEnd-pos) < int(length+ringHeader) || r.isRaised() {
			return true
		}
		r.pos = pos + ringRoom(length)
		if !yield(ringBytes(header, length)) {
			return false
		}
	}
}

// RingStats are a ring's numbers. Programs and readers change them all the time.
type RingStats struct {
	Size      uint64 // of the data, in bytes
	Available uint64 // how many bytes are reserved and not consumed, headers included
	// How many bytes were ever consumed and reserved, headers included: up to the size of a C long.
	ConsumerPos, ProducerPos uint64
}

// Stats tells how full the ring is. Records of the batch that a loop has in hand count as available.
func (r *RingReader) Stats() (RingStats, error) {
	if err := r.acquire(); err != nil {
		return RingStats{}, r.fail("get statistics of", err)
	}
	defer r.h.Drop()
	// In this order, so that the producer is not behind the consumer.
	consumed := r.consumer.Load()
	produced := r.producer.Load()
	return RingStats{
		Size: uint64(r.mask + 1), Available: uint64(produced - consumed),
		ConsumerPos: uint64(consumed), ProducerPos: uint64(produced),
	}, nil
}

// Close gives the reader up and wakes a loop that waits. It does not wait itself: a loop that is under way elsewhere
// may hand one more record to its body. It is idempotent.
func (r *RingReader) Close() error {
	if r == nil {
		return nil
	}
	err := r.h.Close()
	r.raise() // where another call is about to
	return err
}
