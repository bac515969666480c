package libbpf

import (
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mappedRing is a ring buffer in memory: the page with the consumer position, that with the producer position, and the
// data twice, so that a record that goes beyond the end is in one piece.
type mappedRing struct {
	memory   addresses
	consumer *uintptr // written here: how far records are consumed
	producer *uintptr // written by the kernel: how far they are reserved
	data     unsafe.Pointer
	mask     uintptr
	lease    uintptr // how many bytes are consumed before that is published
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
		consumer: (*uintptr)(memory.start),
		producer: (*uintptr)(unsafe.Add(memory.start, page)),
		data:     unsafe.Add(memory.start, 2*page),
		mask:     size - 1,
		lease:    min(mostLease, size/8),
	}, nil
}

// at is what the record at pos, which so many bytes are reserved from, takes of the ring, and whether it is discarded;
// nothing when it is not there, or busy.
func (r *mappedRing) at(pos, available uintptr) (room uintptr, discarded bool, err error) {
	if available > r.mask+1 {
		return 0, false, errRingCorrupt
	}
	if available == 0 {
		return 0, false, nil
	}
	// The length comes with the bytes behind it: the kernel writes it last.
	length := atomic.LoadUint32((*uint32)(unsafe.Add(r.data, pos&r.mask)))
	if length&ringBusy != 0 {
		return 0, false, nil
	}
	room = ringRoom(uintptr(length &^ ringDiscard))
	if room > available {
		return 0, false, errRingCorrupt
	}
	return room, length&ringDiscard != 0, nil
}

// hasRecord tells whether there is a record at pos, which is a multiple of eight. The kernel notifies only of a record
// that begins at the consumer position: so that none is missed between the look and the wait, pos must have been
// published before.
func (r *mappedRing) hasRecord(pos uintptr) bool {
	if pos == atomic.LoadUintptr(r.producer) {
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
