package libbpf

/*
#include "perfbuf_cgo.h"
#include "ringbuf_cgo.h"
*/
import "C"

import (
	"context"
	"unsafe"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// AdoptRingBuffer makes a RingBuffer of a struct ring_buffer that C code has made, whose callbacks are C's: Poll waits as
// always, and lets libbpf call them (ring_buffer__poll, libbpf 1.3). They run on a thread of Go's, to their end: a context
// ends the wait, and not what libbpf hands over. An error that a callback returns is that of Poll or Consume. Close frees
// it. To have a ring's records in Go, give C a [SampleCallback].
func AdoptRingBuffer(rings unsafe.Pointer) (*RingBuffer, error) { return ringBufferOfC(rings, false) }

// BorrowRingBuffer is [AdoptRingBuffer] of one that remains C's: C frees it, but not before Close, with nothing under way.
func BorrowRingBuffer(rings unsafe.Pointer) (*RingBuffer, error) { return ringBufferOfC(rings, true) }

func ringBufferOfC(rings unsafe.Pointer, ofC bool) (*RingBuffer, error) {
	const op, what = "adopt", "ring buffer"
	fail := func(err error) (*RingBuffer, error) { return nil, &Error{Op: op, Object: what, Err: err} }
	if rings == nil {
		return fail(errNilPointer)
	}
	if err := needs("ring__map_fd", 1, 3); err != nil {
		return fail(err)
	}
	r := &RingBuffer{rb: (*C.struct_ring_buffer)(rings)}
	retire := func() {
		for i := range r.mapped {
			_ = r.mapped[i].memory.retire()
		}
	}
	for i := C.uint32_t(0); ; i++ {
		fd := C.lbg_rings_map_fd(r.rb, i)
		if fd < 0 {
			break
		}
		var stats C.struct_lbg_ring_stats
		C.lbg_rings_stats(r.rb, i, &stats)
		ring, err := openMappedRing(int(fd), uintptr(stats.size))
		if err != nil {
			retire()
			return fail(err)
		}
		r.mapped = append(r.mapped, ring)
	}
	r.d.source = cRings{r}
	err := r.d.start(what, int(C.ring_buffer__epoll_fd(r.rb)), func() {
		retire()
		if !ofC {
			C.ring_buffer__free(r.rb)
		}
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// cRings is a ring_buffer whose callbacks are C's.
type cRings struct{ *RingBuffer }

func (r cRings) consume(ctx context.Context, most int) (int, error) {
	if err := r.d.reason(ctx, r.d.h); err != nil {
		return 0, r.d.fail(r.d.op, err)
	}
	if most == 0 {
		return 0, nil
	}
	n := int(C.lbg_ring_buffer_consume(r.rb, r.how(most), C.uint64_t(most)))
	if err := clib.FromRet(n); err != nil {
		return 0, r.d.fail(r.d.op, err)
	}
	return n, nil
}

// AdoptPerfBuffer makes a PerfBuffer of a struct perf_buffer that C code has made, whose callbacks are C's: it is to
// PerfBuffer what [AdoptRingBuffer] is to RingBuffer (perf_buffer__poll). As in C, Poll returns how many buffers had
// records, and Consume and ConsumeBuffer 0. Lost is [errors.ErrUnsupported].
func AdoptPerfBuffer(buffer unsafe.Pointer) (*PerfBuffer, error) { return perfBufferOfC(buffer, false) }

// BorrowPerfBuffer is [AdoptPerfBuffer] of one that remains C's: C frees it, but not before Close, with nothing under way.
func BorrowPerfBuffer(buffer unsafe.Pointer) (*PerfBuffer, error) { return perfBufferOfC(buffer, true) }

func perfBufferOfC(buffer unsafe.Pointer, ofC bool) (*PerfBuffer, error) {
	const op, what = "adopt", "perf buffer"
	if buffer == nil {
		return nil, &Error{Op: op, Object: what, Err: errNilPointer}
	}
	p := &PerfBuffer{pb: (*C.struct_perf_buffer)(buffer), ofC: true}
	unmap := func() {
		for i := range p.rings {
			p.rings[i].unmap()
		}
	}
	for i := range int(C.perf_buffer__buffer_cnt(p.pb)) {
		ring, err := p.openRing(i, -1)
		if err != nil {
			unmap()
			return nil, &Error{Op: op, Object: what, Err: err}
		}
		p.rings = append(p.rings, ring)
	}
	p.d.source = cPerf{p}
	err := p.d.start(what, int(C.perf_buffer__epoll_fd(p.pb)), func() {
		unmap()
		if !ofC {
			C.perf_buffer__free(p.pb)
		}
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// cPerf is a perf_buffer whose callbacks are C's.
type cPerf struct{ *PerfBuffer }

func (p cPerf) consume(ctx context.Context, _ int) (int, error) {
	if err := p.d.reason(ctx, p.d.h); err != nil {
		return 0, p.d.fail(p.d.op, err)
	}
	if p.d.op == opPoll {
		return p.consumed(C.perf_buffer__poll(p.pb, 0))
	}
	return p.consumed(C.perf_buffer__consume(p.pb))
}

// consumed is what libbpf says of a consumption.
func (p *PerfBuffer) consumed(ret C.int) (int, error) {
	if err := clib.FromRet(int(ret)); err != nil {
		return 0, p.d.fail(p.d.op, err)
	}
	return int(ret), nil
}

// UsePointer runs f with libbpf's struct user_ring_buffer, which nobody frees until f returns, and of which Go reserves
// nothing meanwhile: f must not use the UserRingBuffer's methods. f's error is returned as it is.
func (r *UserRingBuffer) UsePointer(f func(ring unsafe.Pointer) error) error {
	if err := r.begin(0); err != nil {
		return err
	}
	defer r.h.Drop()
	r.mu.Lock()
	defer r.mu.Unlock()
	return f(unsafe.Pointer(r.ring))
}

// Pointer is libbpf's struct user_ring_buffer, or nil after Close, which frees it. Reserving is for one thread at a time.
func (r *UserRingBuffer) Pointer() unsafe.Pointer { return pointerOf(r.UsePointer) }

// AdoptUserRingBuffer makes a UserRingBuffer of a struct user_ring_buffer that C code has made for the map. Close frees it.
// C must have reserved nothing that is not submitted, and reserve nothing from then on.
func AdoptUserRingBuffer(ring unsafe.Pointer, m MapCore) (*UserRingBuffer, error) {
	return userRingBufferOfC(ring, m, false)
}

// BorrowUserRingBuffer is [AdoptUserRingBuffer] of one that remains C's: C frees it, but not before Close, with no sample
// left.
func BorrowUserRingBuffer(ring unsafe.Pointer, m MapCore) (*UserRingBuffer, error) {
	return userRingBufferOfC(ring, m, true)
}

func userRingBufferOfC(ring unsafe.Pointer, m MapCore, ofC bool) (*UserRingBuffer, error) {
	if ring == nil {
		return nil, &Error{Op: "adopt", Object: "user ring buffer", Err: errNilPointer}
	}
	return newUserRingBuffer(m, (*C.struct_user_ring_buffer)(ring), ofC)
}
