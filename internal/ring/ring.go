// Package ring reads the kernel's BPF ring buffer, a map of type BPF_MAP_TYPE_RINGBUF, in memory. It is the format and
// nothing else: the caller maps the memory and waits for records.
//
// # Memory
//
// A ring buffer is mapped as a page that begins with the consumer position, a page that begins with the producer
// position, and the data twice. Both copies of the data are the same memory, so a record that goes beyond the end of
// the first copy is in one piece.
//
// Positions count bytes, from the beginning of time: how many were consumed, and how many were reserved. They have the
// size of a C long and wrap around. A position modulo the size of the data, a power of two, is a place in the data.
//
// # Records
//
// A record begins at a multiple of eight bytes with a header of eight bytes. The header begins with the length of the
// record in 32 bits, two of which are flags: busy, while the program has reserved the record and not submitted it, and
// discarded. A record takes the next multiple of eight bytes that holds its header and its bytes.
//
// # Order of memory accesses
//
// Programs write on other CPUs meanwhile, so both positions and each header are read and written with sync/atomic. Four
// orders matter. The kernel's side is on the left, the reader's on the right:
//
//	the busy bit of a new record       header = length|busy         producer.Load
//	                                   release producer             header
//
// The load of the producer position acquires. With a plain load, the reader could then load a header from before the
// kernel wrote it: the length of an old record, without the busy bit.
//
//	the bytes of a record              bytes                        header.Load
//	                                   exchange header = length     bytes
//
// The load of the header acquires, so the bytes may be read with plain loads. With a plain load of the header, the
// compiler and the CPU could read the bytes first, before the program has written them.
//
//	the space of a record              acquire consumer             bytes
//	                                   header, bytes of the next    consumer.Store
//
// The store of the consumer position releases. With a plain store, the kernel could reserve the space, and a program
// write to it, before the reader has read the bytes.
//
//	the notification                   exchange header = length     consumer.Store
//	                                   acquire consumer             producer.Load, header.Load
//
// The kernel notifies of a record only if the consumer position is at its beginning. Before it waits, a reader stores
// the position and then looks again. At least one side must see the other's store; otherwise the reader waits for a
// record that nobody notifies of. Acquire and release do not give that, not even on x86, whose CPUs let a load pass an
// earlier store. Operations of sync/atomic are sequentially consistent and do. On arm64 they are LDAR and STLR, which
// never change places; LDAPR, a weaker acquire, could pass an earlier STLR. TestInstructionsOfARM64 looks for them.
//
// Only the reader stores the consumer position, so it keeps a copy, and reads that with plain loads.
package ring

import (
	"math"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// HeaderSize is the size of a record's header in bytes (BPF_RINGBUF_HDR_SZ).
const HeaderSize = 8

// The flags in the length of a record (BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT).
const (
	busy      = 1 << 31
	discarded = 1 << 30
)

// ErrCorrupt says that positions or lengths are impossible: every process that may write to the map may write to its
// consumer position. It matches unix.EBADMSG.
var ErrCorrupt = fault.New("its positions are impossible, as if another process had written to them", unix.EBADMSG)

// Room is how many bytes a record of length bytes takes, its header included.
func Room(length uintptr) uintptr { return (length + HeaderSize + 7) &^ 7 }

// Bytes are the length bytes behind a header, fewer than 1 GiB. The slice of an array costs less than unsafe.Slice,
// which checks the address.
func Bytes(header unsafe.Pointer, length uintptr) []byte {
	return (*[discarded]byte)(unsafe.Add(header, HeaderSize))[:length:length]
}

// MappingLength is the length of the mapping of a ring buffer with size bytes of data, or false if no address space
// holds that.
func MappingLength(page, size uintptr) (length uintptr, ok bool) {
	if size > (math.MaxInt-2*page)/2 {
		return 0, false
	}
	return 2*page + 2*size, true
}

// Buffer is a ring buffer in memory. Its methods may be called at any time by everybody.
type Buffer struct {
	consumer *atomic.Uintptr // written by the reader
	producer *atomic.Uintptr // written by the kernel
	data     unsafe.Pointer
	mask     uintptr
}

// NewBuffer is the ring buffer in memory, which must have its MappingLength, and remain valid while the Buffer is used.
func NewBuffer(memory unsafe.Pointer, page, size uintptr) Buffer {
	return Buffer{
		consumer: (*atomic.Uintptr)(memory),
		producer: (*atomic.Uintptr)(unsafe.Add(memory, page)),
		data:     unsafe.Add(memory, 2*page),
		mask:     size - 1,
	}
}

// Size is the size of the data in bytes.
func (b *Buffer) Size() uintptr { return b.mask + 1 }

// Positions are the consumer and the producer position. What is between them was reserved, and not consumed by then.
func (b *Buffer) Positions() (consumer, producer uintptr) {
	// In this order: the consumer position never overtakes the producer position, so it is not behind the older one.
	consumer = b.consumer.Load()
	return consumer, b.producer.Load()
}

// PositionAddresses are where the two positions are, for C code.
func (b *Buffer) PositionAddresses() (consumer, producer unsafe.Pointer) {
	return unsafe.Pointer(b.consumer), unsafe.Pointer(b.producer)
}

// Check returns ErrCorrupt if the positions are impossible.
func (b *Buffer) Check() error {
	if consumer, producer := b.Positions(); !b.possible(consumer, producer) {
		return ErrCorrupt
	}
	return nil
}

func (b *Buffer) possible(consumer, producer uintptr) bool {
	return producer-consumer <= b.Size() && consumer%8 == 0
}

// Pending reports whether a record is to be consumed, possibly a discarded one. It also reports true if the positions
// are impossible, so that nobody waits instead of asking Check.
func (b *Buffer) Pending() bool { return b.pendingAt(b.consumer.Load()) }

func (b *Buffer) pendingAt(pos uintptr) bool {
	producer := b.producer.Load() // after the store of the consumer position, for the notification
	return !b.possible(pos, producer) || pos != producer && b.header(pos)&busy == 0
}

// header is the first half of the header at a position, which is a multiple of eight: the length with its flags. The
// load acquires the bytes, and comes after the store of the consumer position, for the notification.
func (b *Buffer) header(pos uintptr) uint32 {
	return atomic.LoadUint32((*uint32)(unsafe.Add(b.data, pos&b.mask)))
}
