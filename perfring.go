package libbpf

import (
	"context"
	"fmt"
	"os"
	"slices"
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
	head, tail *uint64 // in libbpf's mapping
	memory     addresses
	data       []byte    // in the mapping of our own, for reading
	shown      addresses // the mapping for UseBuffer, once there is one
	joined     []byte    // the last event that went beyond the end of the buffer, in one piece

	// Of the call that consumes: where the next event begins, where the last one ends that it hands over and where the
	// lease does, and how many events of the lease were handed over.
	pos, filled, end uint64
	n                int
}

const (
	// What of struct perf_event_mmap_page and of struct perf_event_header is used here.
	perfDataHead   = 1024
	perfDataTail   = 1032
	perfHeader     = 8
	perfHeaderSize = 6

	// How many bytes a sample has before its record, whose length is the last four of them, and how many an event has
	// that tells of losses.
	perfSample = perfHeader + 4
	perfLost   = perfHeader + 16
)

func (p *PerfBuffer) openRing(index, cpu int) (perfRing, error) {
	var start *C.uchar
	var size C.size_t
	if err := clib.FromRet(int(C.lbg_perf_buffer(p.pb, C.int(index), &start, &size))); err != nil {
		return perfRing{}, err
	}
	page := os.Getpagesize()
	memory, err := p.mapRing(index, uintptr(page)+uintptr(size), toRead)
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

// mapRing maps a buffer, which libbpf has mapped already, once more.
func (p *PerfBuffer) mapRing(index int, length uintptr, use addressUse) (addresses, error) {
	protection := unix.PROT_READ
	if use == toWrite {
		protection |= unix.PROT_WRITE
	}
	start, err := unix.MmapPtr(p.bufferFD(index), 0, nil, length, protection, unix.MAP_SHARED)
	if err != nil {
		return addresses{}, err
	}
	return settle(start, length, use, 0), nil
}

// show is the memory of a buffer, to hand out. The caller has consuming.
func (p *PerfBuffer) show(index int) ([]byte, error) {
	r := &p.rings[index]
	if r.shown.start == nil {
		shown, err := p.mapRing(index, r.memory.length, toWrite)
		if err != nil {
			return nil, err
		}
		r.shown = shown
	}
	return unsafe.Slice((*byte)(r.shown.start), int(r.shown.length)), nil
}

// unmap ends the mappings of our own.
func (r *perfRing) unmap() {
	_ = r.memory.retire()
	if r.shown.start != nil {
		_ = r.shown.retire()
	}
}

func (p *PerfBuffer) pending() bool {
	return slices.ContainsFunc(p.rings, func(r perfRing) bool {
		return atomic.LoadUint64(r.head) != atomic.LoadUint64(r.tail)
	})
}

func (p *PerfBuffer) consume(ctx context.Context, most int) (int, error) {
	return p.consumeSome(ctx, 0, len(p.rings), most)
}

// consumeSome is consume of some of the buffers. It hands over from each in turn, a lease at a time.
func (p *PerfBuffer) consumeSome(ctx context.Context, from, to, most int) (n int, err error) {
	d := &p.d
	for i := from; i < to; i++ {
		p.begin(i)
	}
	if err := d.reason(ctx, d.h); err != nil {
		return 0, d.fail(d.op, err)
	}
	turn := from
	if from < p.next && p.next < to {
		turn = p.next
	}
	defer func() { p.publish(turn) }()    // however a callback ends
	look, lease := uintptr(1), uintptr(0) // in bytes: the first record is followed by a look at ctx
	for empty := 0; empty < to-from && n < most; {
		p.next = turn + 1
		handed, more, err := p.handOver(turn, most-n, look)
		if n += handed; err != nil {
			return n, err
		}
		if handed > 0 || more {
			switch err := d.reason(ctx, d.h); {
			case err == ErrClosed || err != nil && n == 0:
				return n, d.fail(d.op, err)
			case err != nil:
				return n, nil
			}
			lease += look
			look = bytesBetweenLooks(ctx, mostLease)
			d.watch(ctx)
		}
		if more && lease < mostLease {
			continue
		}
		p.publish(turn)
		if empty++; more {
			empty = 0
		}
		if turn++; turn == to {
			turn = from
		}
		lease = 0
	}
	return n, nil
}

// begin notes how far a buffer is filled: handOver goes to there.
func (p *PerfBuffer) begin(index int) {
	r := &p.rings[index]
	r.pos, r.filled = atomic.LoadUint64(r.tail), atomic.LoadUint64(r.head)
}

// handOver hands over so many records at most, and ends after so many bytes, or when the interrupt is raised. It tells how
// many records that were, and whether more are left.
func (p *PerfBuffer) handOver(index, most int, bytes uintptr) (n int, more bool, err error) {
	r := &p.rings[index]
	available := r.filled - r.pos
	// The tail can be written to by whoever uses the buffer.
	if available != 0 && (available > uint64(len(r.data)) || r.pos%8 != 0) {
		return 0, false, p.giveUp(r, fmt.Sprintf("the position is %#x, and the end %#x", r.pos, r.filled))
	}
	r.end, r.n = r.pos+min(available, uint64(bytes)), 0
	err = p.handOverLease(r, most)
	return r.n, r.pos != r.filled, err
}

// publish gives the space of what was handed over back to programs.
func (p *PerfBuffer) publish(index int) {
	if r := &p.rings[index]; r.pos != atomic.LoadUint64(r.tail) {
		atomic.StoreUint64(r.tail, r.pos)
	}
}

// perfEvent is as long as an event can be at most. An array's slice is cheaper than unsafe.Slice, which checks the address.
type perfEvent [1 << 16]byte

// handOverLease hands over the events of a lease. It is one function, with as few variables as can be: all would be saved
// and restored around each call, and one for each event costs as much as the rest.
func (p *PerfBuffer) handOverLease(r *perfRing, most int) (err error) {
	for int64(r.end-r.pos) > 0 && r.n < most && !p.d.isRaised() {
		at := r.pos & uint64(len(r.data)-1)
		event := unsafe.Pointer(&r.data[at])
		size := uint64(*(*uint16)(unsafe.Add(event, perfHeaderSize)))
		if size < perfHeader || size > r.filled-r.pos || size%8 != 0 {
			return p.giveUp(r, fmt.Sprintf("an event of %d bytes at %#x", size, r.pos))
		}
		r.pos += size
		if at+size > uint64(len(r.data)) {
			event = r.join(at, size)
		}
		switch kind := *(*uint32)(event); {
		case p.options.Attr != nil: // what there is behind the header is its owner's business
			r.n++
			err = p.options.Event(r.cpu, (*perfEvent)(event)[:size:size])
		case kind == unix.PERF_RECORD_SAMPLE:
			if size < perfSample { // not even the length of the record is left
				return p.lose(r, r.pos, "a record of over 64 KiB does not fit into an event")
			}
			length := uint64(*(*uint32)(unsafe.Add(event, perfHeader)))
			if length != size-perfSample {
				return p.skip(r, event, size)
			}
			r.n++
			record := (*perfEvent)(unsafe.Add(event, perfSample))[:length:length]
			if p.body != nil {
				if !p.body(r.cpu, record) {
					return errLoopLeft
				}
			} else if p.options.Sample != nil {
				err = p.options.Sample(r.cpu, record)
			} else {
				err = p.options.Event(r.cpu, (*perfEvent)(event)[:size:size])
			}
		case kind == unix.PERF_RECORD_LOST && size == perfLost:
			if p.options.Event != nil {
				r.n++
				err = p.options.Event(r.cpu, (*perfEvent)(event)[:size:size])
			} else if p.options.Lost != nil {
				p.options.Lost(r.cpu, *(*uint64)(unsafe.Add(event, perfHeader+8)))
			}
		default:
			r.pos -= size
			return p.giveUp(r, fmt.Sprintf("an event of type %d", kind))
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

// An event's size has 16 bits. The kernel cuts that of an event with a longer record, gives it room for the rest only,
// and writes all of it nevertheless: over the oldest events that are unread, where the buffer is that full. The next
// event then overwrites what is behind the room.

// cutSize is an event's size, as a sample with a record of so many bytes would have it.
func cutSize(record uint32) uint64 { return uint64(uint16(record + perfSample)) }

// skip leaves out a sample whose record is not as long as there is room for. If the event's size is what the cut left
// of it, the next event is where the size says.
func (p *PerfBuffer) skip(r *perfRing, event unsafe.Pointer, size uint64) error {
	length := *(*uint32)(unsafe.Add(event, perfHeader))
	if cutSize(length) != size {
		r.pos -= size
		return p.giveUp(r, fmt.Sprintf("an event of %d bytes at %#x has a record of %d", size, r.pos, length))
	}
	what := fmt.Sprintf("a record of %d bytes does not fit into an event, which has less than 64 KiB", length)
	return p.lose(r, r.pos, what)
}

// giveUp leaves out what can't be, and all that is behind it until events can be told again.
func (p *PerfBuffer) giveUp(r *perfRing, what string) error {
	pos := r.filled
	if p.options.Attr == nil && r.filled-r.pos <= uint64(len(r.data)) && (r.filled|r.pos)%8 == 0 {
		pos = r.resume()
	}
	what = fmt.Sprintf("%s, as after a record of over 64 KiB; the events before %#x are lost", what, pos)
	return p.lose(r, pos, what)
}

// resume is where events go on behind one that is damaged: where the first begins from which each leads to the next, up
// to the end.
func (r *perfRing) resume() uint64 {
	first := r.filled
	leads := make([]bool, (r.filled-r.pos)/8+1) // whether those that begin there do
	leads[len(leads)-1] = true
	for i := len(leads) - 2; i > 0; i-- {
		at := r.pos + uint64(i)*8
		size := r.plausible(at)
		if next := i + int(size/8); size > 0 && next < len(leads) && leads[next] {
			leads[i], first = true, at
		}
	}
	return first
}

// plausible is the size of the event at a position, or 0 where there seems to be none.
func (r *perfRing) plausible(pos uint64) uint64 {
	mask := uint64(len(r.data) - 1)
	header := unsafe.Pointer(&r.data[pos&mask])
	size := uint64(*(*uint16)(unsafe.Add(header, perfHeaderSize)))
	switch kind := *(*uint32)(header); {
	case size%8 != 0:
	case kind == unix.PERF_RECORD_SAMPLE &&
		(size == perfHeader || size == cutSize(*(*uint32)(unsafe.Pointer(&r.data[(pos+perfHeader)&mask])))):
		return size
	case kind == unix.PERF_RECORD_LOST && size == perfLost:
		return size
	}
	return 0
}

// lose goes on at a position, and counts one record, as nobody knows how many there were.
func (p *PerfBuffer) lose(r *perfRing, pos uint64, what string) error {
	r.pos = pos
	p.damaged.Add(1)
	if p.options.Lost != nil {
		p.options.Lost(r.cpu, 1)
	}
	return p.d.fail("consume", fmt.Errorf("CPU %d: %s: %w", r.cpu, what, unix.EBADMSG))
}
