package libbpf

/*
#cgo noescape lbg_rings_consume

#include <stdbool.h>
#include <stdlib.h>
#include "ringbuf_cgo.h"
*/
import "C"

import (
	"context"
	"runtime/cgo"
	"runtime/debug"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// RingBufferBuilder collects ring buffer maps and their callbacks for one [RingBuffer]. The zero value is ready to use.
type RingBufferBuilder struct {
	maps      []MapCore
	sizes     []uintptr
	callbacks []func(record []byte) error
}

// Add adds a map of type [MapTypeRingBuf]. The callback receives each of its records; the bytes are valid until it
// returns. When it returns an error, Poll or Consume stops and returns that error: the record counts as handled, and those
// behind it come with the next call.
//
// The callbacks of one RingBuffer never run at the same time. One may close its RingBuffer, but not poll or consume it,
// which fails with unix.EBUSY. errors.Is(err, [errors.ErrUnsupported]) for a map with [RingBufOverwrite].
func (b *RingBufferBuilder) Add(m MapCore, callback func(record []byte) error) error {
	const op = "add ring buffer"
	c, err := ringOf(op, m)
	if err != nil {
		return err
	}
	if callback == nil {
		return c.fail(op, fault.Invalidf("the callback is nil"))
	}
	b.maps = append(b.maps, m)
	b.sizes = append(b.sizes, uintptr(c.maxEntries))
	b.callbacks = append(b.callbacks, callback)
	return nil
}

// Build opens the ring buffers that were added, at least one (ring_buffer__new, ring_buffer__add, Linux 5.8). The
// caller owns the result. It has descriptors and mappings of its own, so it works on when the maps' object is closed.
// Other readers of the same maps must not consume at the same time: each record would reach one of them or both.
func (b *RingBufferBuilder) Build() (*RingBuffer, error) {
	const op, what = "open", "ring buffer"
	if len(b.maps) == 0 {
		return nil, &Error{Op: op, Object: what, Err: fault.Invalidf("no map was added")}
	}
	fds := make([]C.int, 0, len(b.maps))
	closeFDs := func() {
		for _, fd := range fds {
			_ = unix.Close(int(fd))
		}
	}
	for _, m := range b.maps {
		fd, err := dupMapFD(m)
		if err != nil {
			closeFDs()
			return nil, &Error{Op: op, Object: what, Err: err}
		}
		fds = append(fds, C.int(fd))
	}
	r := &RingBuffer{callbacks: b.callbacks[:len(fds):len(fds)], batch: make([]byte, ringBatch)}
	r.handle = cgo.NewHandle(r)
	err := call(op, what, func() error {
		return clib.FromRet(int(C.lbg_rings_new(&fds[0], C.uint32_t(len(fds)), C.uintptr_t(r.handle), &r.rings)))
	})
	if err != nil {
		r.handle.Delete()
		closeFDs()
		return nil, err
	}
	release := func() {
		C.lbg_rings_free(r.rings)
		r.handle.Delete()
		for i := range r.mapped {
			_ = r.mapped[i].memory.retire()
		}
		closeFDs()
	}
	for i, size := range b.sizes {
		ring, err := openMappedRing(int(fds[i]), size)
		if err != nil {
			release()
			return nil, &Error{Op: op, Object: what, Err: err}
		}
		r.mapped = append(r.mapped, ring)
		C.lbg_ring_map(r.rings, C.uint32_t(i), unsafe.Pointer(ring.consumer), unsafe.Pointer(ring.producer), C.ulong(size))
	}
	r.rb, r.d.source = r.rings.rb, r
	if err := r.d.start(what, int(C.ring_buffer__epoll_fd(r.rb)), release); err != nil {
		return nil, err
	}
	return r, nil
}

// ringBatch is how many bytes of records cross from C to Go at once: few enough to be in a cache still when the callbacks
// read them.
const ringBatch = 32 << 10

// RingBuffer receives the records of one or more ring buffer maps through callbacks, as libbpf's struct ring_buffer does in
// C: libbpf takes records from the rings, and each call from C to Go brings a batch of them. Records of one map arrive in
// the order in which programs reserved them. A callback holds a thread as long as it runs; where callbacks block, or each
// nanosecond counts, use a [RingReader].
//
// All methods are safe for concurrent use, Close included, from within a callback too. Only one Poll or Consume, by
// whatever name, can be under way: a second one returns at once, with unix.EBUSY, also while the first one waits. A
// panic in a callback surfaces in the caller of Poll or Consume, and leaves the RingBuffer as if the callback had
// returned.
type RingBuffer struct {
	d         drain
	rb        *C.struct_ring_buffer
	rings     *C.struct_lbg_rings // nil for one that C code has made
	handle    cgo.Handle          // to this, for libbpfGoRecords
	mapped    []mappedRing
	callbacks []func(record []byte) error

	// Of the one who consumes: the records that libbpf has taken from the rings and that were not handed over yet. They
	// are in the batch from first to end, and behind them comes one that had no room there.
	batch      []byte
	first, end int
	outsize    []byte
	call       ringCall

	ofC error // of a callback below a poll of C's: the next call returns it
}

// ringCall is what a method and the callbacks have to tell each other, with libbpf between them.
type ringCall struct {
	ctx      context.Context
	n, most  int     // how many were handed over, and may be
	look     uintptr // how many bytes are handed over until the next look at ctx
	err      error   // why it stopped
	panicked any     // what a callback panicked with
}

// pending tells whether a ring has a record, or a position that can't be: consume says so. Nothing that was taken from the
// rings is left when somebody waits.
func (r *RingBuffer) pending() bool {
	for i := range r.mapped {
		ring := &r.mapped[i]
		if pos := ring.consumer.Load(); pos%8 != 0 || ring.hasRecord(pos) {
			return true
		}
	}
	return false
}

// checkPositions refuses to let libbpf read where the consumer position can't be right: it would take what is there for a
// record.
func (r *RingBuffer) checkPositions() error {
	for i := range r.mapped {
		ring := &r.mapped[i]
		pos := ring.consumer.Load()
		if available := ring.producer.Load() - pos; available > ring.mask+1 || pos%8 != 0 {
			return errRingCorrupt
		}
	}
	return nil
}

// consume is libbpf's, behind what it has taken from the rings before.
func (r *RingBuffer) consume(ctx context.Context, most int) (int, error) {
	if err := r.d.reason(ctx, r.d.h); err != nil {
		return 0, r.d.fail(r.d.op, err)
	}
	if err := r.ofC; err != nil {
		r.ofC = nil
		return 0, err
	}
	r.call = ringCall{ctx: ctx, most: most, look: 1} // the first record is followed by a look at ctx
	defer func() { r.call = ringCall{} }()
	if r.handOver() && r.call.n < most {
		if err := r.consumeRings(); err != nil && r.call.err == nil {
			r.call.err = r.d.fail(r.d.op, err)
		}
	}
	if r.call.panicked != nil {
		panic(r.call.panicked)
	}
	if r.call.err == nil && r.d.isRaised() {
		r.look()
	}
	return r.call.n, r.call.err
}

// consumeRings lets libbpf consume the rings, through libbpfGoRecords.
func (r *RingBuffer) consumeRings() error {
	if err := r.checkPositions(); err != nil {
		return err
	}
	ret := C.lbg_rings_consume(r.rings, r.how(r.call.most), cBytes(r.batch), C.size_t(len(r.batch)), C.uint64_t(r.call.most-r.call.n))
	err := clib.FromRet(int(ret))
	if err == unix.EBADMSG {
		return errRingCorrupt
	}
	return err
}

// how is the function of libbpf's that the method stands for.
func (r *RingBuffer) how(most int) uint32 {
	switch {
	case most != everything:
		return C.LBG_CONSUME_N
	case r.d.op == opPoll:
		return C.LBG_POLL
	}
	return C.LBG_CONSUME
}

// libbpfGoRecords takes a batch of records over that libbpf took from the rings, and one that had no room there, and hands
// them to the callbacks. It returns whether to stop. A panic goes to the method's caller once C has returned. What a
// callback ends its goroutine with (runtime.Goexit) passes over C, which has nothing left to do by then.
//
//export libbpfGoRecords
func libbpfGoRecords(handle C.uintptr_t, used C.size_t, outsize *C.uchar) (stop C.bool) {
	r := cgo.Handle(handle).Value().(*RingBuffer)
	r.first, r.end = 0, int(used)
	if outsize != nil {
		size := (*C.struct_lbg_record)(unsafe.Pointer(outsize)).size
		r.outsize = C.GoBytes(unsafe.Pointer(outsize), C.int(C.sizeof_struct_lbg_record+size))
		C.free(unsafe.Pointer(outsize))
	}
	defer func() {
		if r.call.panicked = recover(); r.call.panicked != nil {
			stop = true
		}
	}()
	return C.bool(!r.handOver())
}

// libbpfGoRecord hands over one record in place, where C code polls the ring_buffer. It returns whether to stop.
//
//export libbpfGoRecord
func libbpfGoRecord(handle C.uintptr_t, index C.uint32_t, data unsafe.Pointer, size C.size_t) (stop C.bool) {
	r := cgo.Handle(handle).Value().(*RingBuffer)
	defer func() {
		if value := recover(); value != nil {
			r.ofC, stop = &CallbackPanic{value, debug.Stack()}, true
		}
	}()
	r.ofC = r.callbacks[index](unsafe.Slice((*byte)(data), int(size)))
	return r.ofC != nil
}

// handOver hands over what was taken from the rings, and tells whether to go on. Each record counts once its callback was
// called, however that ends.
func (r *RingBuffer) handOver() bool {
	call := &r.call
	for r.first < r.end || r.outsize != nil {
		if call.n >= call.most || r.d.isRaised() {
			return false
		}
		var at unsafe.Pointer
		if r.first < r.end {
			at = unsafe.Pointer(&r.batch[r.first])
		} else {
			at, r.outsize = unsafe.Pointer(&r.outsize[0]), nil
		}
		record := (*C.struct_lbg_record)(at)
		size := uintptr(record.size)
		room := ringRoom(size)
		r.first += int(room)
		call.n++
		if err := r.callbacks[record.ring](ringBytes(at, size)); err != nil {
			call.err = err
			return false
		}
		if call.look > room {
			call.look -= room
		} else if !r.look() {
			return false
		}
	}
	return true
}

// look looks whether to go on, and says when to look again.
func (r *RingBuffer) look() bool {
	switch err := r.d.reason(r.call.ctx, r.d.h); {
	case err == ErrClosed || err != nil && r.call.n == 0:
		r.call.err = r.d.fail(r.d.op, err)
		return false
	case err != nil:
		return false
	}
	r.call.look = bytesBetweenLooks(r.call.ctx, mostLease)
	r.d.watch(r.call.ctx)
	return true
}

func (r *RingBuffer) drain() *drain {
	if r == nil {
		return nil
	}
	return &r.d
}

// Poll waits until there are records, for at most timeout or, if that is negative, for ever, and hands those to the
// callbacks that are there then. It returns how many that were: 0 when the time passed without one, which is not an
// error (ring_buffer__poll). Close wakes it: errors.Is(err, [ErrClosed]). No thread is blocked while it waits.
//
// When the time passes while a callback runs, no other one is called; what remains comes with the next Poll. However
// short the time is, a record that is there is handed over.
func (r *RingBuffer) Poll(timeout time.Duration) (int, error) { return r.drain().pollTimeout(timeout) }

// PollContext is Poll until ctx is done, which is an error, ctx's own and its cause, if no record came. How many
// records come after that is as with [RingReader.Records]: none, but for those two cases.
func (r *RingBuffer) PollContext(ctx context.Context) (int, error) { return r.drain().pollContext(ctx) }

// Consume hands the records that are there when it begins to the callbacks, without waiting, and returns how many that
// were (ring_buffer__consume).
func (r *RingBuffer) Consume() (int, error) { return r.drain().consumeNow(everything) }

// ConsumeN is Consume of at most n records; those behind them stay in the ring buffers (ring_buffer__consume_n, before
// libbpf 1.5 ring_buffer__consume).
func (r *RingBuffer) ConsumeN(n int) (int, error) {
	d := r.drain()
	if n < 0 {
		return 0, d.fail("consume", fault.Invalidf("the number of records is %d and must not be negative", n))
	}
	return d.consumeNow(n)
}

// Stats tells how full one of the ring buffers is: the index counts the calls of [RingBufferBuilder.Add], from 0
// (ring_buffer__ring, ring__size, ring__avail_data_size, ring__consumer_pos, ring__producer_pos, libbpf 1.3).
// Up to 32 KiB of records that libbpf has taken from the rings, and that no callback has seen yet, count as consumed while
// a callback runs, and after one that failed.
func (r *RingBuffer) Stats(index int) (RingStats, error) {
	const op = "get statistics of"
	d := r.drain()
	if err := d.acquire(); err != nil {
		return RingStats{}, d.fail(op, err)
	}
	defer d.h.Drop()
	if err := needs("ring__size", 1, 3); err != nil {
		return RingStats{}, d.fail(op, err)
	}
	if index < 0 || index >= len(r.mapped) {
		return RingStats{}, d.fail(op, fault.Invalidf("there are %d ring buffers, and no number %d", len(r.mapped), index))
	}
	var stats C.struct_lbg_ring_stats
	C.lbg_rings_stats(r.rb, C.uint32_t(index), &stats)
	return RingStats{
		Size: uint64(stats.size), Available: uint64(stats.available),
		ConsumerPos: uint64(stats.consumer_pos), ProducerPos: uint64(stats.producer_pos),
	}, nil
}

// UsePointer runs f with libbpf's struct ring_buffer, which nobody frees until f returns, and nobody polls by Go's methods: they
// fail with unix.EBUSY meanwhile. C code may poll it, on the thread of f: each record is then one call of its callback, in
// place. A callback's error or panic (a [*CallbackPanic]) makes C's poll return -ECANCELED, and the next Poll or Consume
// return it. f's error is returned as it is.
func (r *RingBuffer) UsePointer(f func(rings unsafe.Pointer) error) error {
	d := r.drain()
	if err := d.enter("use"); err != nil {
		return err
	}
	defer d.leave()
	return f(unsafe.Pointer(r.rb))
}

// Pointer is libbpf's struct ring_buffer, or nil after Close, which frees it. Who polls it must not do so while Go does.
func (r *RingBuffer) Pointer() unsafe.Pointer {
	d := r.drain()
	if d.acquire() != nil {
		return nil
	}
	defer d.h.Drop()
	return unsafe.Pointer(r.rb)
}

// EpollFD is a descriptor that is readable when there are records, for a poller of one's own, or -1 after Close
// (ring_buffer__epoll_fd). It remains the RingBuffer's.
func (r *RingBuffer) EpollFD() int { return r.drain().currentEpollFD() }

// Close frees the buffers and wakes Poll (ring_buffer__free). It does not wait: if another goroutine is polling or
// consuming, one more callback may run or still be under way there. Records that libbpf has taken from the rings for a
// call that failed are lost with it: up to 32 KiB, which one more Consume hands over before. It is idempotent.
func (r *RingBuffer) Close() error { return r.drain().close() }
