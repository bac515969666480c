package libbpf

/*
#cgo noescape lbg_perf_fill
#cgo nocallback lbg_perf_fill

#include "perfbuf_cgo.h"
*/
import "C"

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// PerfBufferBuilder holds the options of a [PerfBuffer].
type PerfBufferBuilder struct {
	// Pages is the size of each CPU's buffer in pages of memory, a power of two; 0 is 64.
	Pages int
	// WakeupEvents is how many records wake a Poll that waits; 0 is 1. Fewer remain in the buffer until more come.
	WakeupEvents uint32
	// Sample receives each record with the CPU that wrote it; the bytes are valid until it returns. They end with up
	// to seven bytes that the kernel added, to fill up to a multiple of eight behind a size of four. When it returns an
	// error, Poll or Consume stops and returns that error, and the records behind it remain for the next call.
	Sample func(cpu int, record []byte) error
	// Lost is told how many records a CPU could not write because its buffer was full. It may be nil. The kernel tells
	// with the next record that the CPU can write: what was lost after the last one stays untold.
	Lost func(cpu int, count uint64)
}

// Build opens a buffer on each CPU that is online, for a map of type [MapTypePerfEventArray]
// (perf_buffer__new_raw, Linux 4.4). The caller owns the result, which has descriptors and mappings of its own.
func (b PerfBufferBuilder) Build(m MapCore) (*PerfBuffer, error) {
	const op, what = "open", "perf buffer"
	c, err := coreOf(m)
	if err != nil {
		return nil, &Error{Op: op, Object: what, Err: err}
	}
	pages := b.Pages
	if pages == 0 {
		pages = 64
	}
	switch {
	case c.h == nil:
		return nil, c.fail(op, ErrClosed)
	case c.typ != MapTypePerfEventArray:
		return nil, c.fail(op, invalidf("the map is not a perf event array but of type %s", c.typ))
	case b.Sample == nil:
		return nil, c.fail(op, invalidf("Sample is nil"))
	case pages < 0 || pages&(pages-1) != 0:
		return nil, c.fail(op, invalidf("%d pages are not a power of two", pages))
	}
	fd, err := dupMapFD(m)
	if err != nil {
		return nil, c.fail(op, err)
	}
	var perf *C.struct_lbg_perf
	err = call(op, what, func() error {
		return clib.FromRet(int(C.lbg_perf_new(C.int(fd), C.size_t(pages), C.uint32_t(max(b.WakeupEvents, 1)), &perf)))
	})
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	p := &PerfBuffer{}
	p.d.fill = func(data *C.uchar, records *C.struct_lbg_record, most C.uint32_t, filled *C.struct_lbg_filled) C.int {
		return C.lbg_perf_fill(perf, data, batchBytes, records, most, filled)
	}
	p.d.deliver = func(record *C.struct_lbg_record, data []byte) error {
		if record.lost == 0 {
			return b.Sample(int(record.source), data)
		}
		if b.Lost != nil {
			b.Lost(int(record.source), uint64(record.lost))
		}
		return nil
	}
	err = p.d.start(what, int(C.lbg_perf_epoll_fd(perf)), func() {
		C.lbg_perf_free(perf)
		_ = unix.Close(fd)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// PerfBuffer receives the records that programs write with bpf_perf_event_output, through callbacks. Records of one CPU
// arrive in order, those of different CPUs in none. A [RingBuffer] is the better choice since Linux 5.8.
//
// All methods are safe for concurrent use, Close included, from within a callback too. The callbacks never run at the
// same time. A panic in one surfaces in the caller of Poll or Consume, and leaves the PerfBuffer as if the callback had
// returned.
type PerfBuffer struct{ d drain }

func (p *PerfBuffer) drain() *drain {
	if p == nil {
		return nil
	}
	return &p.d
}

// Poll is as [RingBuffer.Poll]; it does not count losses.
func (p *PerfBuffer) Poll(timeout time.Duration) (int, error) { return p.drain().pollTimeout(timeout) }

// PollContext is as [RingBuffer.PollContext].
func (p *PerfBuffer) PollContext(ctx context.Context) (int, error) { return p.drain().poll(ctx) }

// Consume hands the records that are there to the callbacks, without waiting, and returns how many that were
// (perf_buffer__consume).
func (p *PerfBuffer) Consume() (int, error) { return p.drain().consumeNow(everything) }

// EpollFD is a descriptor that is readable when there are records, for a poller of one's own, or -1 after Close
// (perf_buffer__epoll_fd). It remains the PerfBuffer's.
func (p *PerfBuffer) EpollFD() int { return p.drain().currentEpollFD() }

// Close frees the buffers and wakes Poll (perf_buffer__free). It does not wait: if another goroutine is polling or
// consuming, one more callback may run or still be under way there. It is idempotent.
func (p *PerfBuffer) Close() error { return p.drain().close() }
