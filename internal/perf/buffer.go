// Package perf reads the kernel's perf buffers in memory: the format, and how to go on behind damage. The caller maps
// the memory and waits for events.
//
// # Memory
//
// A buffer is mapped as a page with its positions (struct perf_event_mmap_page) and the data. The kernel advances the
// head, data_head, and the reader advances the tail, data_tail. Both count bytes, from the beginning of time. A
// position modulo the size of the data, a power of two, is a place in the data. An event that goes beyond the end of
// the data continues at its beginning.
//
// # Events
//
// An event begins at a multiple of eight bytes with a header (struct perf_event_header): a type in 32 bits, other 16
// bits, and the size of the event, its header included, in 16 bits. Of the events that bpf_perf_event_output writes, a
// sample has the length of its record in 32 bits and then the record, and a loss has an ID and the number of events
// that were lost.
//
// # Order of memory accesses
//
// The kernel's side is on the left, the reader's on the right:
//
//	the events             events                      atomic load of the head
//	                       write barrier, head         events
//
// The load acquires, so the events are then read with plain loads. With a plain load of the head, they could be read
// before the kernel has written them.
//
//	the space of events    tail                        events
//	                       if it allows, events        atomic store of the tail
//
// The store releases. With a plain store, the kernel could overwrite events that the reader has not read yet. The
// kernel writes only after it has compared with the tail, which orders its side.
//
// Whether the kernel notifies does not depend on the tail, so the order of the store of the tail and the next load of
// the head does not matter. Only the reader stores the tail. It loads the tail atomically all the same, because other
// goroutines, and everybody who maps the buffer for writing, may access it. On arm64 the operations are LDAR and STLR:
// TestInstructionsOfARM64 looks for them.
package perf

import (
	"sync/atomic"
	"unsafe"
)

const (
	// In struct perf_event_mmap_page.
	dataHead = 1024
	dataTail = 1032

	// In an event: the place of its size, the size of its header, of what a sample has before its record, and of a
	// loss.
	sizeAt     = 6
	headerSize = 8
	sampleSize = headerSize + 4
	lostSize   = headerSize + 16
)

// event is as long as an event can be. The slice of an array costs less than unsafe.Slice, which checks the address.
type event [1 << 16]byte

// Buffer is the buffer of one CPU. It is for one goroutine at a time, except Pending.
//
// The reader moves the tail only with Publish: a store for each event would move a cache line between the CPUs each
// time.
type Buffer struct {
	cpu        int
	head, tail *uint64
	data       []byte
	joined     []byte // the last event that went beyond the end of the data, in one piece

	pos    uint64 // where the next event begins
	filled uint64 // the head, as it was loaded last
	end    uint64 // where the current Read ends
	n      int    // how many records it has handed over
}

// NewBuffer is the buffer whose positions are in a page, and whose data is a power of two of bytes, at least 64. The
// data may be mapped elsewhere than behind the page. Both must remain valid while the Buffer is used.
func NewBuffer(cpu int, page unsafe.Pointer, data []byte) Buffer {
	return Buffer{
		cpu:  cpu,
		head: (*uint64)(unsafe.Add(page, dataHead)),
		tail: (*uint64)(unsafe.Add(page, dataTail)),
		data: data,
	}
}

// CPU is the CPU that writes to the buffer.
func (b *Buffer) CPU() int { return b.cpu }

// Pending reports whether there are events, or impossible positions. It may be called at any time by everybody.
func (b *Buffer) Pending() bool { return atomic.LoadUint64(b.head) != atomic.LoadUint64(b.tail) }

// Begin begins at the tail, and ends at the head as it is now.
func (b *Buffer) Begin() { b.pos, b.filled = atomic.LoadUint64(b.tail), atomic.LoadUint64(b.head) }

// Publish gives the space of what was handed over back to programs.
func (b *Buffer) Publish() {
	if b.pos != atomic.LoadUint64(b.tail) {
		atomic.StoreUint64(b.tail, b.pos)
	}
}

// possible reports whether the position and the end of a buffer are possible. Everybody who maps the buffer for writing
// may write to its tail.
func (b *Buffer) possible() bool {
	return b.filled-b.pos <= uint64(len(b.data)) && (b.filled|b.pos)%8 == 0
}

// join copies an event that goes beyond the end of the data.
func (b *Buffer) join(at, size uint64) unsafe.Pointer {
	b.joined = append(append(b.joined[:0], b.data[at:]...), b.data[:at+size-uint64(len(b.data))]...)
	return unsafe.Pointer(&b.joined[0])
}

// header is the type and the size of the event that begins at a place in the data.
func (b *Buffer) header(at uint64) (kind uint32, size uint64) {
	header := unsafe.Pointer(&b.data[at])
	return *(*uint32)(header), uint64(*(*uint16)(unsafe.Add(header, sizeAt)))
}
