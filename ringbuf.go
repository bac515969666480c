package libbpf

/*
#cgo noescape lbg_rings_fill
#cgo nocallback lbg_rings_fill

#include "ringbuf_cgo.h"
*/
import "C"

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// RingBufferBuilder collects ring buffer maps and their callbacks for one [RingBuffer]. The zero value is ready to use.
type RingBufferBuilder struct {
	maps      []MapCore
	callbacks []func(record []byte) error
}

// Add adds a map of type [MapTypeRingBuf]. The callback receives each of its records; the bytes are valid until it
// returns. When it returns an error, Poll or Consume stops and returns that error: the record counts as handled, and
// those behind it remain for the next call.
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
	b.callbacks = append(b.callbacks, callback)
	return nil
}

// Build opens the ring buffers that were added, at least one
// (ring_buffer__new, ring_buffer__add, Linux 5.8). The caller owns the result. It has descriptors and mappings of its
// own, so it works on when the maps' object is closed, and the maps may be in several RingBuffers: each record then goes
// to one of them.
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
	var rings *C.struct_lbg_rings
	err := call(op, what, func() error {
		return clib.FromRet(int(C.lbg_rings_new(&fds[0], C.int(len(fds)), &rings)))
	})
	if err != nil {
		closeFDs()
		return nil, err
	}
	r := &RingBuffer{rings: rings}
	r.d.callbacks = b.callbacks[:len(fds):len(fds)]
	r.d.fill = func(data *C.uchar, records *C.struct_lbg_record, most C.uint32_t, filled *C.struct_lbg_filled) C.int {
		return C.lbg_rings_fill(rings, data, batchBytes, records, most, filled)
	}
	err = r.d.start(what, int(C.lbg_rings_epoll_fd(rings)), func() {
		C.lbg_rings_free(rings)
		closeFDs()
	})
	if err != nil {
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
	d     drain
	rings *C.struct_lbg_rings
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
// (ring_buffer__consume).
func (r *RingBuffer) Consume() (int, error) { return r.drain().consumeNow(everything) }

// ConsumeN is Consume of at most n records; those behind them stay in the ring buffers (ring_buffer__consume_n, but with
// every libbpf).
func (r *RingBuffer) ConsumeN(n int) (int, error) {
	d := r.drain()
	if n < 0 {
		return 0, d.fail("consume", invalidf("%d records", n))
	}
	return d.consumeNow(n)
}

// Stats tells how full one of the ring buffers is: the index counts the calls of [RingBufferBuilder.Add], from 0
// (ring_buffer__ring, ring__size, ring__avail_data_size, ring__consumer_pos, ring__producer_pos, libbpf 1.3). What a
// failed callback left for the next call counts as consumed.
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
	if index < 0 || index >= len(d.callbacks) {
		return RingStats{}, d.fail(op, invalidf("there are %d ring buffers, and no number %d", len(d.callbacks), index))
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
