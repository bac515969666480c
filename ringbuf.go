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
// The callbacks of one RingBuffer never run at the same time. One may close its RingBuffer, but not poll or consume it.
func (b *RingBufferBuilder) Add(m MapCore, callback func(record []byte) error) error {
	const op = "add ring buffer"
	c, err := coreOf(m)
	if err != nil {
		return &Error{Op: op, Err: err}
	}
	if c.typ != MapTypeRingBuf {
		return c.fail(op, invalidf("the map is not a ring buffer but of type %s", c.typ))
	}
	if callback == nil {
		return c.fail(op, invalidf("the callback is nil"))
	}
	b.maps = append(b.maps, m)
	b.sizes = append(b.sizes, uintptr(c.maxEntries))
	b.callbacks = append(b.callbacks, callback)
	return nil
}

// Build opens the ring buffers that were added, at least one
// (ring_buffer__new, ring_buffer__add, Linux 5.8). The caller owns the result. It has descriptors and mappings of its
// own, so it works on when the maps' object is closed. Other readers of the same maps must not consume at the same time:
// each record would reach one of them or both.
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
	r := &RingBuffer{rings: rings, callbacks: b.callbacks[:len(fds):len(fds)]}
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
		r.mapped = append(r.mapped, ring)
	}
	r.d.buffers, r.d.pending, r.d.handOver = len(r.mapped), r.pending, r.handOver
	if err := r.d.start(what, int(C.ring_buffer__epoll_fd(rings)), release); err != nil {
		return nil, err
	}
	return r, nil
}

// RingBuffer receives the records of one or more ring buffer maps through callbacks. Records of one map arrive in the
// order in which programs reserved them.
//
// All methods are safe for concurrent use, Close included, from within a callback too. A panic in a callback surfaces in
// the caller of Poll or Consume, and leaves the RingBuffer as if the callback had returned.
type RingBuffer struct {
	d         drain
	rings     *C.struct_ring_buffer // for its epoll descriptor and numbers; the records are read here:
	mapped    []mappedRing
	callbacks []func(record []byte) error
}

// pending leaves it to handOver to tell of a position that can't be.
func (r *RingBuffer) pending(index int) bool {
	ring := &r.mapped[index]
	pos := atomic.LoadUintptr(ring.consumer)
	return pos%8 != 0 || ring.hasRecord(pos)
}

// handOver hands over a lease.
func (r *RingBuffer) handOver(index, most int) (n int, err error) {
	ring, callback, h := &r.mapped[index], r.callbacks[index], r.d.h
	pos, produced := atomic.LoadUintptr(ring.consumer), atomic.LoadUintptr(ring.producer)
	available := produced - pos
	if available > ring.mask+1 || pos%8 != 0 {
		return 0, r.d.fail("consume", errRingCorrupt)
	}
	data, mask, published := ring.data, ring.mask, pos
	// Those that the callback has seen are consumed, however it ends.
	defer func() {
		if pos != published {
			atomic.StoreUintptr(ring.consumer, pos)
		}
	}()
	for end := pos + min(available, ring.lease); int(end-pos) > 0 && n < most; {
		if h.isClosed() {
			return n, r.d.fail("consume", ErrClosed)
		}
		header := unsafe.Add(data, pos&mask)
		// The length comes with the bytes behind it: the kernel writes it last.
		length := atomic.LoadUint32((*uint32)(header))
		if length&ringBusy != 0 {
			break
		}
		size := uintptr(length &^ ringDiscard)
		next := pos + ringRoom(size)
		if int(produced-next) < 0 {
			return n, r.d.fail("consume", errRingCorrupt)
		}
		pos = next
		if length&ringDiscard != 0 {
			continue
		}
		n++
		if err := callback(ringBytes(header, size)); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (r *RingBuffer) drain() *drain {
	if r == nil {
		return nil
	}
	return &r.d
}

// Poll waits until there are records, for at most timeout or, if that is negative, for ever, and hands them to the
// callbacks until none is left. It returns how many that were: 0 when the time passed without one, which is not an
// error. Close wakes it: errors.Is(err, [ErrClosed]). No thread is blocked while it waits.
//
// Under records that come faster than they are handled it goes on until the timeout.
func (r *RingBuffer) Poll(timeout time.Duration) (int, error) { return r.drain().pollTimeout(timeout) }

// PollContext is Poll until ctx is done, which is an error, ctx's own and its cause, if no record came.
func (r *RingBuffer) PollContext(ctx context.Context) (int, error) { return r.drain().poll(ctx) }

// Consume hands the records that are there to the callbacks, without waiting, and returns how many that were
// (as ring_buffer__consume).
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
