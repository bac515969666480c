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
	head, tail := atomic.LoadUint64(r.head), atomic.LoadUint64(r.tail)
	// Those that a callback has seen are consumed, however it ends.
	defer func() { atomic.StoreUint64(r.tail, tail) }()
	cpu, data, mask := r.cpu, r.data, uint64(len(r.data)-1)
	event, sample := p.options.Event, p.options.Sample
	// The tail can be written to by whoever uses the buffer.
	if head-tail > uint64(len(data)) || tail%8 != 0 {
		return 0, p.failEvent(tail, head-tail)
	}
	for end := tail + min(head-tail, perfLease); int64(end-tail) > 0 && n < most; {
		if p.d.h.isClosed() {
			return n, p.d.fail("consume", ErrClosed)
		}
		at := tail & mask
		header := unsafe.Pointer(&data[at])
		size := uint64(*(*uint16)(unsafe.Add(header, perfHeaderSize)))
		if size < perfHeader || size > head-tail || size%8 != 0 {
			return n, p.failEvent(tail, size)
		}
		tail += size
		var bytes []byte
		if at+size <= uint64(len(data)) {
			bytes = data[at : at+size : at+size]
		} else {
			r.joined = append(append(r.joined[:0], data[at:]...), data[:at+size-uint64(len(data))]...)
			bytes = r.joined[:size:size]
		}
		switch {
		case event != nil:
			n++
			err = event(cpu, bytes)
		case *(*uint32)(header) == unix.PERF_RECORD_SAMPLE:
			// A size of four bytes, and so many more.
			if size < perfHeader+8 {
				return n, p.failEvent(tail, size)
			}
			length := uint64(*(*uint32)(unsafe.Pointer(&bytes[perfHeader])))
			if bytes = bytes[perfHeader+4:]; length > uint64(len(bytes)) {
				return n, p.failEvent(tail, length)
			}
			n++
			err = sample(cpu, bytes[:length:length])
		case *(*uint32)(header) == unix.PERF_RECORD_LOST && p.options.Lost != nil:
			if size < perfHeader+16 {
				return n, p.failEvent(tail, size)
			}
			p.options.Lost(cpu, *(*uint64)(unsafe.Pointer(&bytes[perfHeader+8])))
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (p *PerfBuffer) failEvent(tail, size uint64) error {
	return p.d.fail("consume", fmt.Errorf("an event of %d bytes at %#x: %w", size, tail, unix.EBADMSG))
}
