package libbpf

import (
	"context"
	"unsafe"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// AdoptRingBuffer makes a RingBuffer of a struct ring_buffer that C code has made, with callbacks of C. Poll waits as
// always, and then lets libbpf call the callbacks (ring_buffer__poll), on a thread of Go. A context ends the wait, but
// not the callbacks: libbpf hands over all that is there. If a callback returns an error, Poll or Consume returns it.
// Close frees the ring_buffer. Before libbpf 1.3, the error matches [errors.ErrUnsupported]. If AdoptRingBuffer fails, C
// still owns the ring_buffer.
//
// To receive the records of a ring buffer in Go, give C a [SampleCallback].
func AdoptRingBuffer(rings unsafe.Pointer) (*RingBuffer, error) { return ringBufferOfC(rings, false) }

// BorrowRingBuffer is [AdoptRingBuffer], but Close does not free the ring_buffer. C frees it after Close, when no
// method is in progress.
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
	r := &RingBuffer{rb: (*cRingBuffer)(rings)}
	for i := 0; ; i++ {
		fd := ringMapFD(r.rb, i)
		if fd < 0 {
			break
		}
		mapped, err := mapRing(int(fd), uintptr(ringStats(r.rb, i).Size))
		if err != nil {
			r.unmap()
			return fail(err)
		}
		r.mapped = append(r.mapped, mapped)
	}
	r.d.source = cRings{r}
	owns := false // C owns it until nothing can fail any more
	err := r.d.start(what, ringsEpollFD(r.rb), func() {
		r.unmap()
		if owns {
			freeRings(r.rb)
		}
	})
	if err != nil {
		return nil, err
	}
	owns = !ofC
	return r, nil
}

// cRings is a ring_buffer with callbacks of C.
type cRings struct{ *RingBuffer }

func (r cRings) consume(ctx context.Context, most int) (int, error) {
	if err := r.d.file.Reason(ctx); err != nil {
		return 0, r.d.fail(r.d.op, err)
	}
	if most == 0 {
		return 0, nil
	}
	n := int(consumeCRings(r.rb, r.how(most), most))
	if err := clib.FromRet(n); err != nil {
		return 0, r.d.fail(r.d.op, err)
	}
	return n, nil
}

// AdoptPerfBuffer makes a PerfBuffer of a struct perf_buffer that C code has made, with callbacks of C, in the same way
// as [AdoptRingBuffer] (perf_buffer__poll). As in C, Poll returns how many buffers had records, and Consume and
// ConsumeBuffer return 0. The error of Lost matches [errors.ErrUnsupported]. If AdoptPerfBuffer fails, C still owns the
// perf_buffer.
func AdoptPerfBuffer(buffer unsafe.Pointer) (*PerfBuffer, error) { return perfBufferOfC(buffer, false) }

// BorrowPerfBuffer is [AdoptPerfBuffer], but Close does not free the perf_buffer. C frees it after Close, when no
// method is in progress.
func BorrowPerfBuffer(buffer unsafe.Pointer) (*PerfBuffer, error) { return perfBufferOfC(buffer, true) }

func perfBufferOfC(buffer unsafe.Pointer, ofC bool) (*PerfBuffer, error) {
	const op, what = "adopt", "perf buffer"
	if buffer == nil {
		return nil, &Error{Op: op, Object: what, Err: errNilPointer}
	}
	p := &PerfBuffer{pb: (*cPerfBuffer)(buffer), ofC: true}
	unmap := func() {
		for i := range p.rings {
			p.rings[i].unmap()
		}
	}
	for i := range perfBufferCount(p.pb) {
		ring, err := p.openRing(i, -1)
		if err != nil {
			unmap()
			return nil, &Error{Op: op, Object: what, Err: err}
		}
		p.rings = append(p.rings, ring)
	}
	p.d.source = cPerf{p}
	owns := false // C owns it until nothing can fail any more
	err := p.d.start(what, perfEpollFD(p.pb), func() {
		unmap()
		if owns {
			freePerf(p.pb)
		}
	})
	if err != nil {
		return nil, err
	}
	owns = !ofC
	return p, nil
}

// cPerf is a perf_buffer with callbacks of C.
type cPerf struct{ *PerfBuffer }

func (p cPerf) consume(ctx context.Context, _ int) (int, error) {
	if err := p.d.file.Reason(ctx); err != nil {
		return 0, p.d.fail(p.d.op, err)
	}
	if p.d.op == opPoll {
		return p.consumed(pollPerf(p.pb))
	}
	return p.consumed(consumePerf(p.pb))
}

// consumed is the result of a function of libbpf that consumes.
func (p *PerfBuffer) consumed(ret cInt) (int, error) {
	if err := clib.FromRet(int(ret)); err != nil {
		return 0, p.d.fail(p.d.op, err)
	}
	return int(ret), nil
}

// UsePointer runs f with the struct user_ring_buffer of libbpf. Nobody frees it until f returns. Go reserves nothing
// during f, so f must not call methods of the UserRingBuffer. UsePointer returns f's error unchanged.
func (r *UserRingBuffer) UsePointer(f func(ring unsafe.Pointer) error) error {
	if err := r.begin(0); err != nil {
		return err
	}
	defer r.h.Drop()
	r.mu.Lock()
	defer r.mu.Unlock()
	return f(unsafe.Pointer(r.ring))
}

// Pointer returns the struct user_ring_buffer of libbpf, which Close frees, or nil after Close. Only one thread at a
// time may reserve: C code must not do so while Go does.
func (r *UserRingBuffer) Pointer() unsafe.Pointer { return pointerOf(r.UsePointer) }

// AdoptUserRingBuffer makes a UserRingBuffer of a struct user_ring_buffer that C code has made for the map. Close frees
// it. All that C has reserved must be submitted or discarded before, and C must reserve nothing after.
func AdoptUserRingBuffer(ring unsafe.Pointer, m MapCore) (*UserRingBuffer, error) {
	return userRingBufferOfC(ring, m, false)
}

// BorrowUserRingBuffer is [AdoptUserRingBuffer], but Close does not free the user_ring_buffer. C frees it after Close,
// when no sample is left.
func BorrowUserRingBuffer(ring unsafe.Pointer, m MapCore) (*UserRingBuffer, error) {
	return userRingBufferOfC(ring, m, true)
}

func userRingBufferOfC(ring unsafe.Pointer, m MapCore, ofC bool) (*UserRingBuffer, error) {
	if ring == nil {
		return nil, &Error{Op: "adopt", Object: "user ring buffer", Err: errNilPointer}
	}
	return newUserRingBuffer(m, (*cUserRing)(ring), ofC)
}
