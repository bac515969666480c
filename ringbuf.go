package libbpf

/*
#include <bpf/libbpf.h>
#include "ringbuf_cgo.h"
*/
import "C"

import (
	"context"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// RingBufferBuilder collects ring buffer maps and their callbacks for one [RingBuffer]. The zero value is ready to use.
type RingBufferBuilder struct {
	maps      []MapCore
	sizes     []uintptr
	callbacks []func(record []byte) error
}

// Add adds a map of type [MapTypeRingBuf]. The callback receives each of its records; the bytes are valid until it
// returns, and are the kernel's, which must not be written to, as with [RingReader]. When it returns an error, Poll or
// Consume stops and returns that error: the record counts as handled, and those behind it remain for the next call.
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
		return c.fail(op, invalidf("the callback is nil"))
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
		return nil, &Error{Op: op, Object: what, Err: invalidf("no map was added")}
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
	var rings *C.struct_ring_buffer
	err := call(op, what, func() error {
		return clib.FromRet(int(C.lbg_rings_new(&fds[0], C.int(len(fds)), &rings)))
	})
	if err != nil {
		closeFDs()
		return nil, err
	}
	r := &RingBuffer{rings: rings}
	release := func() {
		for i := range r.mapped {
			_ = r.mapped[i].memory.retire()
		}
		C.ring_buffer__free(rings)
		closeFDs()
	}
	for i, size := range b.sizes {
		ring, err := openMappedRing(int(fds[i]), size)
		if err != nil {
			release()
			return nil, &Error{Op: op, Object: what, Err: err}
		}
		r.mapped = append(r.mapped, bufferedRing{mappedRing: ring, callback: b.callbacks[i]})
	}
	r.d.source, r.d.buffers = r, len(r.mapped)
	if err := r.d.start(what, int(C.ring_buffer__epoll_fd(rings)), release); err != nil {
		return nil, err
	}
	return r, nil
}

// RingBuffer receives the records of one or more ring buffer maps through callbacks. Records of one map arrive in the
// order in which programs reserved them.
//
// All methods are safe for concurrent use, Close included, from within a callback too. Only one Poll or Consume, by
// whatever name, can be under way: a second one returns at once, with unix.EBUSY, also while the first one waits. A
// panic in a callback surfaces in the caller of Poll or Consume, and leaves the RingBuffer as if the callback had
// returned.
type RingBuffer struct {
	d      drain
	rings  *C.struct_ring_buffer // for its epoll descriptor and numbers; the records are read here:
	mapped []bufferedRing
}

// bufferedRing is one ring of a RingBuffer.
type bufferedRing struct {
	mappedRing
	callback func(record []byte) error
}

// pending leaves it to handOver to tell of a position that can't be.
func (r *RingBuffer) pending(index int) bool {
	ring := &r.mapped[index]
	pos := ring.consumer.Load()
	return pos%8 != 0 || ring.hasRecord(pos)
}

func (r *RingBuffer) begin(index int) { r.mapped[index].begin() }

func (r *RingBuffer) publish(index int) { r.mapped[index].publish() }

func (r *RingBuffer) handOver(index, most int, bytes uintptr) (n int, more bool, err error) {
	ring := &r.mapped[index]
	for ring.leaseEnd = ring.pos; ; bytes = 0 {
		header, length, room, err := ring.current()
		switch {
		case err != nil:
			return n, false, r.d.fail("consume", err)
		case header == nil:
			return n, false, nil
		case n == most || r.d.raised.Load():
			return n, true, nil
		case int(ring.leaseEnd-ring.pos) >= int(room):
		case bytes == 0:
			return n, true, nil
		default:
			ring.grant(room, bytes)
		}
		if length&ringDiscard != 0 {
			ring.pos += room
			continue
		}
		handed, err := r.handOverLease(ring, most-n)
		if n += handed; err != nil {
			return n, true, err
		}
	}
}

// handOverLease is as RingReader's.
func (r *RingBuffer) handOverLease(ring *bufferedRing, most int) (n int, err error) {
	for {
		pos := ring.pos
		header := unsafe.Add(ring.data, pos&ring.mask)
		length := uintptr(atomic.LoadUint32((*uint32)(header)))
		if length >= ringDiscard || int(ring.leaseEnd-pos) < int(length+ringHeader) || r.d.raised.Load() || n == most {
			return n, nil
		}
		ring.pos = pos + ringRoom(length)
		n++
		if err := ring.callback(ringBytes(header, length)); err != nil {
			return n, err
		}
	}
}

func (r *RingBuffer) drain() *drain {
	if r == nil {
		return nil
	}
	return &r.d
}

// Poll waits until there are records, for at most timeout or, if that is negative, for ever, and hands those to the
// callbacks that are there then. It returns how many that were: 0 when the time passed without one, which is not an
// error. Close wakes it: errors.Is(err, [ErrClosed]). No thread is blocked while it waits.
//
// When the time passes while a callback runs, no other one is called; what remains comes with the next Poll. However
// short the time is, a record that is there is handed over.
func (r *RingBuffer) Poll(timeout time.Duration) (int, error) { return r.drain().pollTimeout(timeout) }

// PollContext is Poll until ctx is done, which is an error, ctx's own and its cause, if no record came. How many
// records come after that is as with [RingReader.Records]: none, but for those two cases.
func (r *RingBuffer) PollContext(ctx context.Context) (int, error) { return r.drain().pollContext(ctx) }

// Consume hands the records that are there when it begins to the callbacks, without waiting, and returns how many that
// were (as ring_buffer__consume).
func (r *RingBuffer) Consume() (int, error) { return r.drain().consumeNow(everything) }

// ConsumeN is Consume of at most n records; those behind them stay in the ring buffers (as ring_buffer__consume_n).
func (r *RingBuffer) ConsumeN(n int) (int, error) {
	d := r.drain()
	if n < 0 {
		return 0, d.fail("consume", invalidf("the number of records is %d and must not be negative", n))
	}
	return d.consumeNow(n)
}

// Stats tells how full one of the ring buffers is: the index counts the calls of [RingBufferBuilder.Add], from 0
// (ring_buffer__ring, ring__size, ring__avail_data_size, ring__consumer_pos, ring__producer_pos, libbpf 1.3).
// Up to an eighth of it, or 32 KiB, that callbacks have seen already counts as available while one runs.
func (r *RingBuffer) Stats(index int) (RingStats, error) {
	const op = "get statistics of"
	d := r.drain()
	if err := d.acquire(); err != nil {
		return RingStats{}, d.fail(op, err)
	}
	defer d.h.drop()
	if err := needs("ring__size", 1, 3); err != nil {
		return RingStats{}, d.fail(op, err)
	}
	if index < 0 || index >= len(r.mapped) {
		return RingStats{}, d.fail(op, invalidf("there are %d ring buffers, and no number %d", len(r.mapped), index))
	}
	var stats C.struct_lbg_ring_stats
	C.lbg_rings_stats(r.rings, C.int(index), &stats)
	return RingStats{
		Size: uint64(stats.size), Available: uint64(stats.available),
		ConsumerPos: uint64(stats.consumer_pos), ProducerPos: uint64(stats.producer_pos),
	}, nil
}

// EpollFD is a descriptor that is readable when there are records, for a poller of one's own, or -1 after Close
// (ring_buffer__epoll_fd). It remains the RingBuffer's.
func (r *RingBuffer) EpollFD() int { return r.drain().currentEpollFD() }

// Close frees the buffers and wakes Poll (ring_buffer__free). It does not wait: if another goroutine is polling or
// consuming, one more callback may run or still be under way there. It is idempotent.
func (r *RingBuffer) Close() error { return r.drain().close() }
