package ring

import (
	"sync/atomic"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/wait"
)

// mostLease is small enough for a record to be in a cache still when its space is given back, and large enough for
// that to cost nothing.
const mostLease = 32 << 10

// Reader hands over the records of a Buffer, one after the other, in place. It is for one goroutine at a time.
//
// It moves the consumer position in leases: Grant begins one, Read hands over its records, and only the next Grant, or
// Publish, gives their space back to programs. A store for each record would move a cache line between the CPUs each
// time.
//
//	r.Begin()
//	for {
//		room, isDiscarded, err := r.Peek()
//		if room == 0 {
//			break // and Publish
//		}
//		if !r.Granted(room) {
//			r.Grant(room, bytes)
//		}
//		if isDiscarded {
//			r.Skip(room)
//		} else if !r.Read(stop, yield) {
//			break
//		}
//	}
type Reader struct {
	Buffer
	pos       uintptr // where the next record begins
	published uintptr // the consumer position, as it was stored last
	until     uintptr // the producer position, as it was loaded last
	leaseEnd  uintptr // where the last record ends that Read hands over
	lease     uintptr // the longest lease
}

// NewReader reads a Buffer. There must be no other Reader of the same ring buffer that reads at the same time.
func NewReader(b Buffer) Reader { return Reader{Buffer: b, lease: min(mostLease, b.Size()/8)} }

// Lease is how many bytes a lease has at most, except that of one record that is longer.
func (r *Reader) Lease() uintptr { return r.lease }

// Begin begins at the consumer position, and ends at the producer position as it is now.
func (r *Reader) Begin() {
	r.pos = r.consumer.Load()
	r.published, r.leaseEnd = r.pos, r.pos
	r.until = r.producer.Load() // acquires the headers before it
}

// Extend moves the end to the producer position as it is now.
func (r *Reader) Extend() { r.until = r.producer.Load() }

// Next is where the next record begins.
func (r *Reader) Next() uintptr { return r.pos }

// Publish ends the lease, and gives the space of the records that were handed over back to programs.
func (r *Reader) Publish() {
	r.leaseEnd = r.pos
	if r.pos != r.published {
		r.published = r.pos
		r.consumer.Store(r.pos) // releases the space: all reads of the bytes come before
	}
}

// Pending reports whether there is a record behind those that were handed over. Publish must come before: the kernel
// notifies only of a record that begins at the consumer position.
func (r *Reader) Pending() bool { return r.pendingAt(r.pos) }

// Peek returns how many bytes the next record takes, and whether the program has discarded it. room is 0 if there is
// none, or a busy one, and with ErrCorrupt.
func (r *Reader) Peek() (room uintptr, isDiscarded bool, err error) {
	if !r.possible(r.pos, r.until) {
		return 0, false, ErrCorrupt
	}
	if r.pos == r.until {
		return 0, false, nil
	}
	length := r.header(r.pos)
	if length&busy != 0 {
		return 0, false, nil
	}
	if room = Room(uintptr(length &^ discarded)); room > r.until-r.pos {
		return 0, false, ErrCorrupt
	}
	return room, length&discarded != 0, nil
}

// Granted reports whether a record that takes room bytes is within the lease.
func (r *Reader) Granted(room uintptr) bool { return int(r.leaseEnd-r.pos) >= int(room) }

// Grant begins a lease for the next record, which takes room bytes as Peek said, and for those behind it up to bytes
// bytes together. It ends the one before, with Publish, where both together are too long.
func (r *Reader) Grant(room, bytes uintptr) {
	if r.pos-r.published+room > r.lease {
		r.Publish()
	}
	r.leaseEnd = r.pos + max(room, min(r.until-r.pos, r.published+r.lease-r.pos, bytes))
}

// Skip steps over a discarded record, which takes room bytes as Peek said.
func (r *Reader) Skip(room uintptr) { r.pos += room }

// Read hands the records of the lease to yield, until it returns false or stop is raised. It also ends before a record
// that is busy or discarded, or that goes beyond the lease: see Peek. It reports whether yield returned true each time.
//
// It is one function, with as few variables as possible: all of them are saved and restored around each call of yield,
// and another call for each record would cost as much as the rest.
func (r *Reader) Read(stop *wait.Flag, yield func(record []byte) bool) bool {
	for {
		pos := r.pos
		header := unsafe.Add(r.data, pos&r.mask)
		length := uintptr(atomic.LoadUint32((*uint32)(header))) // acquires the bytes
		// A flag makes the length seem to go beyond the lease, but on 32 bits not in the second comparison.
		if length >= discarded || int(r.leaseEnd-pos) < int(length+HeaderSize) || stop.IsRaised() {
			return true
		}
		r.pos = pos + Room(length)
		if !yield(Bytes(header, length)) {
			return false
		}
	}
}

// Return takes back the record that was handed over last: it is the next one again.
func (r *Reader) Return(record []byte) { r.pos -= Room(uintptr(len(record))) }
