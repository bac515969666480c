package libbpf

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

/*
#include "perfbuf_cgo.h"
*/
import "C"

// perfRing is one CPU's buffer, which is read in place: libbpf's loop calls two functions for each event, and a copy
// costs more than all the rest.
type perfRing struct {
	cpu        int
	head, tail *uint64 // in libbpf's mapping, which can be written to
	memory     ringMemory
	data       []byte // in the mapping of our own, which can not, and whose addresses outlast it
	joined     []byte // the last event that went beyond the end of the buffer, in one piece

	// Of the lease that is under way: where the next event begins, where the last one ends and the lease does, and how
	// many events were handed over.
	pos, filled, end uint64
	n                int
}

const (
	// What of struct perf_event_mmap_page and of struct perf_event_header is used here.
	perfDataHead   = 1024
	perfDataTail   = 1032
	perfHeader     = 8
	perfHeaderSize = 6

	// perfLease is how much is consumed of one buffer before the others have their turn.
	perfLease = 64 << 10
)

func (p *PerfBuffer) openRing(index, cpu int) (perfRing, error) {
	var start *C.uchar
	var size C.size_t
	if err := clib.FromRet(int(C.lbg_perf_buffer(p.pb, C.int(index), &start, &size))); err != nil {
		return perfRing{}, err
	}
	page := os.Getpagesize()
	memory, err := mapPerf(p.bufferFD(index), uintptr(page)+uintptr(size))
	if err != nil {
		return perfRing{}, err
	}
	positions := unsafe.Pointer(start)
	return perfRing{
		cpu: cpu, memory: memory,
		head: (*uint64)(unsafe.Add(positions, perfDataHead)), tail: (*uint64)(unsafe.Add(positions, perfDataTail)),
		data: unsafe.Slice((*byte)(unsafe.Add(memory.start, page)), int(size)),
	}, nil
}

func (p *PerfBuffer) pending(index int) bool {
	r := &p.rings[index]
	return atomic.LoadUint64(r.head) != atomic.LoadUint64(r.tail)
}

// handOver hands over a lease, and counts the samples.
func (p *PerfBuffer) handOver(index, most int) (n int, err error) {
	r := &p.rings[index]
	r.pos, r.filled, r.n = atomic.LoadUint64(r.tail), atomic.LoadUint64(r.head), 0
	// Those that a callback has seen are consumed, however it ends.
	defer func() { atomic.StoreUint64(r.tail, r.pos) }()
	available := r.filled - r.pos
	// The tail can be written to by whoever uses the buffer.
	if available > uint64(len(r.data)) || r.pos%8 != 0 {
		return 0, p.failEvent(r.pos, available)
	}
	r.end = r.pos + min(available, perfLease)
	err = p.handOverLease(r, most)
	return r.n, err
}

// perfEvent is as long as an event can be at most. An array's slice is cheaper than unsafe.Slice, which checks the address.
type perfEvent [1 << 16]byte

// handOverLease hands over the events of a lease. It is one function, with as few variables as can be: all would be saved
// and restored around each call, and one for each event costs as much as the rest.
func (p *PerfBuffer) handOverLease(r *perfRing, most int) (err error) {
	for int64(r.end-r.pos) > 0 && r.n < most {
		if p.d.h.isClosed() {
			return p.d.fail("consume", ErrClosed)
		}
		at := r.pos & uint64(len(r.data)-1)
		event := unsafe.Pointer(&r.data[at])
		size := uint64(*(*uint16)(unsafe.Add(event, perfHeaderSize)))
		if size < perfHeader || size > r.filled-r.pos || size%8 != 0 {
			return p.failEvent(r.pos, size)
		}
		r.pos += size
		if at+size > uint64(len(r.data)) {
			event = r.join(at, size)
		}
		switch kind := *(*uint32)(event); {
		case p.options.Event != nil:
			r.n++
			err = p.options.Event(r.cpu, (*perfEvent)(event)[:size:size])
		case kind == unix.PERF_RECORD_SAMPLE:
			// A size of four bytes, and so many more.
			const start = perfHeader + 4
			if size < start {
				return p.failEvent(r.pos, size)
			}
			length := uint64(*(*uint32)(unsafe.Add(event, perfHeader)))
			if length > size-start {
				return p.failEvent(r.pos, length)
			}
			r.n++
			record := (*perfEvent)(unsafe.Add(event, start))[:length:length]
			if p.body == nil {
				err = p.options.Sample(r.cpu, record)
			} else if !p.body(r.cpu, record) {
				return errLoopLeft
			}
		case kind == unix.PERF_RECORD_LOST && p.options.Lost != nil:
			if size < perfHeader+16 {
				return p.failEvent(r.pos, size)
			}
			p.options.Lost(r.cpu, *(*uint64)(unsafe.Add(event, perfHeader+8)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// join copies an event that goes beyond the end of the buffer.
func (r *perfRing) join(at, size uint64) unsafe.Pointer {
	r.joined = append(append(r.joined[:0], r.data[at:]...), r.data[:at+size-uint64(len(r.data))]...)
	return unsafe.Pointer(&r.joined[0])
}

func (p *PerfBuffer) failEvent(tail, size uint64) error {
	return p.d.fail("consume", fmt.Errorf("an event of %d bytes at %#x: %w", size, tail, unix.EBADMSG))
}
