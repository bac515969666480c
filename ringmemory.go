package libbpf

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// mappedRing is a ring buffer in memory: the page with the consumer position, that with the producer position, and the
// data twice, so that a record that goes beyond the end is in one piece.
type mappedRing struct {
	memory   addresses
	consumer *atomic.Uintptr // written here: how far records are consumed
	producer *atomic.Uintptr // written by the kernel: how far they are reserved
	data     unsafe.Pointer
	mask     uintptr
	lease    uintptr // how many bytes are consumed before that is published

	// Of the one who reads: how far records were handed over, and how far that is published; how far they were reserved at
	// the last look; and where those end that are handed over without another look.
	pos, published, until, leaseEnd uintptr
}

// The kernel's format of a ring: each record has a header of eight bytes, which begins with its length and two flags,
// and is filled up to a multiple of eight (BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT, BPF_RINGBUF_HDR_SZ).
const (
	ringBusy    = 1 << 31
	ringDiscard = 1 << 30
	ringHeader  = 8
)

// mostLease is small enough for a record to be in a cache still when its space is given back, and large enough for
// that to cost nothing.
const mostLease = 32 << 10

// errRingCorrupt says that the positions or lengths in the ring can't be. Who may write to the map may write to its
// consumer position.
var errRingCorrupt = fmt.Errorf("the ring's positions are wrong, as by another consumer: %w", unix.EBADMSG)

// ringOf checks that a map is a ring buffer, and one whose records stay until they are consumed.
func ringOf(op string, m MapCore) (*mapCore, error) {
	c, err := coreOf(m)
	if err != nil {
		return nil, &Error{Op: op, Object: "ring buffer", Err: err}
	}
	if c.typ != MapTypeRingBuf && c.h != nil {
		return nil, c.fail(op, fault.Invalidf("the map is not a ring buffer but of type %s", c.typ))
	}
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	// Nothing keeps a program from writing over a record that is being read, nor tells the reader, and libbpf does not
	// know of such rings.
	if info.Flags&RingBufOverwrite != 0 {
		return nil, c.fail(op, fmt.Errorf("programs overwrite its records while they are read (flag RingBufOverwrite): %w",
			errors.ErrUnsupported))
	}
	return c, nil
}

// ringRoom is how much of the ring a record takes.
func ringRoom(size uintptr) uintptr { return (size + ringHeader + 7) &^ 7 }

// ringBytes are the bytes of a record, less than ringDiscard, behind its header. An array's slice is cheaper than
// unsafe.Slice, which checks the address.
func ringBytes(header unsafe.Pointer, size uintptr) []byte {
	return (*[ringDiscard]byte)(unsafe.Add(header, ringHeader))[:size:size]
}

// openMappedRing maps a ring buffer with size bytes of data. Its memory must be retired.
func openMappedRing(fd int, size uintptr) (mappedRing, error) {
	memory, err := mapRing(fd, size)
	if err != nil {
		return mappedRing{}, err
	}
	page := uintptr(os.Getpagesize())
	return mappedRing{
		memory:   memory,
		consumer: (*atomic.Uintptr)(memory.start),
		producer: (*atomic.Uintptr)(unsafe.Add(memory.start, page)),
		data:     unsafe.Add(memory.start, 2*page),
		mask:     size - 1,
		lease:    min(mostLease, size/8),
	}, nil
}

// begin begins to read what is there now.
func (r *mappedRing) begin() {
	r.pos = r.consumer.Load()
	r.published = r.pos
	r.until = r.producer.Load()
}

// publish gives the space of what was handed over back to programs.
func (r *mappedRing) publish() {
	if r.pos != r.published {
		r.published = r.pos
		r.consumer.Store(r.pos)
	}
}

// grant begins a lease of so many bytes at most, but of the record that is next in any case.
func (r *mappedRing) grant(room, bytes uintptr) {
	if r.pos-r.published+room > r.lease {
		r.publish()
	}
	r.leaseEnd = r.pos + max(room, min(r.until-r.pos, r.published+r.lease-r.pos, bytes))
}

// current finds the record that is next: its header, its length with the flag ringDiscard, and the room that it takes.
// There is no header when no record is there, or a busy one.
func (r *mappedRing) current() (header unsafe.Pointer, length uint32, room uintptr, err error) {
	available := r.until - r.pos
	if available > r.mask+1 || r.pos%8 != 0 {
		return nil, 0, 0, errRingCorrupt
	}
	if available == 0 {
		return nil, 0, 0, nil
	}
	header = unsafe.Add(r.data, r.pos&r.mask)
	// The length comes with the bytes behind it: the kernel writes it last.
	length = atomic.LoadUint32((*uint32)(header))
	if length&ringBusy != 0 {
		return nil, 0, 0, nil
	}
	if room = ringRoom(uintptr(length &^ ringDiscard)); room > available {
		return nil, 0, 0, errRingCorrupt
	}
	return header, length, room, nil
}

// hasRecord tells whether there is a record at pos, which is a multiple of eight. The kernel notifies only of a record
// that begins at the consumer position: so that none is missed between the look and the wait, pos must have been
// published before.
func (r *mappedRing) hasRecord(pos uintptr) bool {
	if pos == r.producer.Load() {
		return false
	}
	return atomic.LoadUint32((*uint32)(unsafe.Add(r.data, pos&r.mask)))&ringBusy == 0
}

// mapRing maps a ring buffer with size bytes of data: all for reading, and to the consumer position for writing.
func mapRing(fd int, size uintptr) (addresses, error) {
	page := uintptr(os.Getpagesize())
	if size > (math.MaxInt-2*page)/2 {
		return addresses{}, unix.E2BIG
	}
	length := 2*page + 2*size
	start, err := unix.MmapPtr(fd, 0, nil, length, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return addresses{}, err
	}
	memory := settle(start, length, toRead, 0)
	_, err = unix.MmapPtr(fd, 0, memory.start, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED)
	if err != nil {
		_ = memory.retire()
		return addresses{}, err
	}
	return memory, nil
}
