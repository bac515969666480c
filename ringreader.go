package libbpf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
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
	h    *handle
	what string

	// file is a duplicate of the map's descriptor, in the runtime's poller, and conn waits for it.
	file   *os.File
	conn   syscall.RawConn
	closed chan struct{} // closed by Close

	mappedRing

	// reading is true while there is a loop, whose the rest is.
	reading   atomic.Bool
	pos       uintptr // how far records were handed over
	published uintptr
	leaseEnd  atomic.Uintptr // where the records end that the loop may hand over without another look
	lapse     sync.Once
	ready     func(fd uintptr) bool
}

// NewRingReader maps a ring buffer, a map of type [MapTypeRingBuf], into memory (mmap, Linux 5.8). The caller owns
// the result. It has a descriptor and mappings of its own, so it works on when the map is closed. Reading goes on
// where the ring's last reader stopped.
func NewRingReader(m MapCore) (*RingReader, error) {
	const op = "open reader of"
	c, err := coreOf(m)
	if err != nil {
		return nil, &Error{Op: op, Object: "ring buffer", Err: err}
	}
	if c.typ != MapTypeRingBuf && c.h != nil {
		return nil, c.fail(op, invalidf("the map is not a ring buffer but of type %s", c.typ))
	}
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	if info.Flags&RingBufOverwrite != 0 {
		return nil, c.fail(op, fmt.Errorf("a ring that overwrites its records: %w", errors.ErrUnsupported))
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
	// So that os.File puts it into the runtime's poller. The flag means nothing to maps.
	err := unix.SetNonblock(fd, true)
	r.file = os.NewFile(uintptr(fd), r.what)
	if err == nil {
		r.conn, err = r.file.SyscallConn()
	}
	if err == nil {
		r.mappedRing, err = openMappedRing(fd, size)
	}
	if err != nil {
		_ = r.file.Close()
		return err
	}
	r.ready = func(uintptr) bool { return r.hasRecord(r.pos) }
	r.h, err = newHandle(nil, func() error {
		return r.memory.retire()
	})
	if err != nil {
		return err
	}
	r.closed = make(chan struct{})
	r.h.wake = func() {
		close(r.closed)
		r.lapseLease()
		// Closing the file waits for those who wait for it, and none of them runs a loop's body meanwhile.
		_ = r.file.Close()
	}
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
	return r.h.acquire()
}

// Records iterates over the records, and waits for more when there is none, until ctx is done or the reader is
// closed. Why it ended is in *err, which is nil only after the loop was left by its body: ctx's error and its cause,
// or [ErrClosed]. Records that remain when ctx is done stay in the ring for the next loop.
//
// No thread is blocked while it waits. Programs that write with BPF_RB_NO_WAKEUP do not wake it: such records come
// with the next that is written with BPF_RB_FORCE_WAKEUP, or with the end of ctx. One that is written without flags
// wakes only if there is none before it.
func (r *RingReader) Records(ctx context.Context, err *error) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if err == nil {
			err = new(error)
		}
		if ctx == nil {
			*err = r.fail("read", invalidf("the context is nil"))
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

// Pending iterates over the records that are there, without waiting for more. If the loop ended because of an error,
// that is in *err.
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
	if ctx != nil {
		defer interruptWaits(ctx, r.file)()
	}
	var done error // why the wait for more ended, if not because there is more
	for {
		left, failed := r.handOver(ctx, yield)
		switch {
		case left, ctx == nil && failed == nil:
			return
		case failed != nil:
			*err = r.fail("read", failed)
			return
		case done != nil:
			*err = r.fail("read", done)
			return
		}
		// Records may have come before ctx was done and after the last look: there is always one more.
		done = r.wait(ctx)
	}
}

// begin makes the caller the only one who reads.
func (r *RingReader) begin() error {
	const op = "read"
	if err := r.acquire(); err != nil {
		return r.fail(op, err)
	}
	if !r.reading.CompareAndSwap(false, true) {
		r.h.drop()
		return r.fail(op, fmt.Errorf("there is another loop: %w", unix.EBUSY))
	}
	r.pos = atomic.LoadUintptr(r.consumer)
	r.published = r.pos
	r.leaseEnd.Store(r.pos)
	if r.pos%8 != 0 {
		r.end()
		return r.fail(op, errRingCorrupt)
	}
	return nil
}

// end publishes what was handed over, also in the course of a panic.
func (r *RingReader) end() {
	r.publish()
	r.reading.Store(false)
	r.h.drop()
}

// publish gives the space of what was handed over back to programs.
func (r *RingReader) publish() {
	if r.pos != r.published {
		r.published = r.pos
		atomic.StoreUintptr(r.consumer, r.pos)
	}
}

// putBack makes the record that the body of the loop has in hand, which it is about to leave, the next loop's first.
func (r *RingReader) putBack(record []byte) { r.pos -= ringRoom(uintptr(len(record))) }

// handOver hands records to the loop's body until there is none, or the body leaves the loop.
func (r *RingReader) handOver(ctx context.Context, yield func([]byte) bool) (left bool, err error) {
	for leases := 0; ; {
		available := atomic.LoadUintptr(r.producer) - r.pos
		room, discarded, err := r.at(r.pos, available)
		switch {
		case err != nil:
			return false, err
		case r.h.isClosed():
			return false, ErrClosed
		case room == 0:
			r.publish()
			return false, nil
		}
		if int(r.leaseEnd.Load()-r.pos) < int(room) {
			r.publish()
			if leases++; leases > 1 && ctx != nil && ctx.Err() != nil {
				return false, contextError(ctx)
			}
			// Close looks for the end of the lease and this for Close, so that the body sees no record after it.
			r.leaseEnd.Store(r.pos + max(room, min(available, r.lease)))
			if r.h.isClosed() {
				return false, ErrClosed
			}
		}
		if discarded {
			r.pos += room
		} else if !r.handOverLease(yield) {
			return true, nil
		}
	}
}

// handOverLease hands over records until there is one that goes beyond the lease, or has a flag and so seems to. It does
// no more, and has as few variables as can be, because all are saved and restored around each call of the body.
func (r *RingReader) handOverLease(yield func([]byte) bool) bool {
	for {
		pos := r.pos
		header := unsafe.Add(r.data, pos&r.mask)
		// The length comes with the bytes behind it: the kernel writes it last.
		length := uintptr(atomic.LoadUint32((*uint32)(header)))
		if length >= ringDiscard || int(r.leaseEnd.Load()-pos) < int(length+ringHeader) {
			return true
		}
		r.pos = pos + ringRoom(length)
		if !yield(ringBytes(header, length)) {
			return false
		}
	}
}

// wait returns nil when there is a record, or a discarded one.
func (r *RingReader) wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	err := r.conn.Read(r.ready)
	switch {
	case err == nil:
		return nil
	case r.h.isClosed():
		return ErrClosed
	case ctx.Err() != nil:
		return contextError(ctx)
	}
	return fmt.Errorf("wait for records: %w", err)
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
	defer r.h.drop()
	// In this order, so that the producer is not behind the consumer.
	consumed := atomic.LoadUintptr(r.consumer)
	produced := atomic.LoadUintptr(r.producer)
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
	err := r.h.close()
	r.lapseLease() // where another call is about to
	return err
}

// lapseLease ends the lease of a loop in a closed reader. The end is then behind the loop, wherever that is, as a lease is
// no longer than the ring. The consumer position is not to be relied on, since others may write to it.
func (r *RingReader) lapseLease() {
	r.lapse.Do(func() { r.leaseEnd.Add(^r.mask) })
}
