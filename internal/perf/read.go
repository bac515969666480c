package perf

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/wait"
)

// Receiver receives what is in a buffer, with the CPU that wrote it. The bytes are valid until the function returns.
type Receiver struct {
	// Whole says that the events are not those of bpf_perf_event_output. Each goes to Event as it is.
	Whole bool
	// Event receives events with their headers: all of them with Whole, otherwise samples if there is neither Body nor
	// Sample, and losses.
	Event func(cpu int, event []byte) error
	// Body receives the record of each sample. Read ends with ErrLeft when it returns false.
	Body func(cpu int, record []byte) bool
	// Sample is Body for those who return an error, which ends Read.
	Sample func(cpu int, record []byte) error
	// Lost is told how many events the CPU could not write, if there is no Event. It may be nil.
	Lost func(cpu int, count uint64)
}

// ErrLeft says that the body of a loop left it.
var ErrLeft = errors.New("the loop was left")

// Damage is something in a buffer that can be no event. Reading goes on behind it.
type Damage struct{ text string }

func (d *Damage) Error() string { return d.text }

// Read hands over records until it comes to the end, has begun with the last of so many bytes, or stop is raised. It
// returns how many records it has handed over, and whether there is more. The error is the one that a function of the
// receiver returned, ErrLeft or a *Damage. Whatever it is, the next Read goes on with the next event.
func (b *Buffer) Read(to *Receiver, bytes uint64, stop *wait.Flag) (n int, more bool, err error) {
	b.end, b.n = b.pos+min(b.filled-b.pos, bytes), 0
	if b.pos != b.filled && (b.filled-b.pos > uint64(len(b.data)) || b.pos%8 != 0) {
		err = b.giveUp(to, fmt.Sprintf("the position is %#x, and the end %#x", b.pos, b.filled))
	} else {
		err = b.read(to, stop)
	}
	return b.n, b.pos != b.filled, err
}

// read is the loop of Read. It is one function with as few variables as possible: all of them are saved and restored
// around each call, and another call for each event would cost as much as the rest.
func (b *Buffer) read(to *Receiver, stop *wait.Flag) (err error) {
	for int64(b.end-b.pos) > 0 && !stop.IsRaised() {
		at := b.pos & uint64(len(b.data)-1)
		e := unsafe.Pointer(&b.data[at])
		size := uint64(*(*uint16)(unsafe.Add(e, sizeAt)))
		if size < headerSize || size > b.filled-b.pos || size%8 != 0 {
			return b.giveUp(to, fmt.Sprintf("an event of %d bytes at %#x", size, b.pos))
		}
		b.pos += size
		if at+size > uint64(len(b.data)) {
			e = b.join(at, size)
		}
		switch kind := *(*uint32)(e); {
		case to.Whole:
			b.n++
			err = to.Event(b.cpu, (*event)(e)[:size:size])
		case kind == unix.PERF_RECORD_SAMPLE:
			if size < sampleSize { // not even the length of the record is left
				return &Damage{"a record of over 64 KiB does not fit into an event"}
			}
			length := uint64(*(*uint32)(unsafe.Add(e, headerSize)))
			if length != size-sampleSize {
				return b.skip(to, length, size)
			}
			b.n++
			record := (*event)(unsafe.Add(e, sampleSize))[:length:length]
			if to.Body != nil {
				if !to.Body(b.cpu, record) {
					return ErrLeft
				}
			} else if to.Sample != nil {
				err = to.Sample(b.cpu, record)
			} else {
				err = to.Event(b.cpu, (*event)(e)[:size:size])
			}
		case kind == unix.PERF_RECORD_LOST && size == lostSize:
			if to.Event != nil {
				b.n++
				err = to.Event(b.cpu, (*event)(e)[:size:size])
			} else if to.Lost != nil {
				to.Lost(b.cpu, *(*uint64)(unsafe.Add(e, headerSize+8)))
			}
		default:
			b.pos -= size
			return b.giveUp(to, fmt.Sprintf("an event of type %d", kind))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// The size of an event has 16 bits. The kernel cuts off the rest of the size of an event with a longer record, and
// reserves room for what is left. It still writes the whole record: over the oldest unread events, if the buffer is
// that full. The next event then overwrites what is behind the room.

// cutSize is the size of a sample with a record of length bytes, as the kernel cuts it.
func cutSize(length uint32) uint64 { return uint64(uint16(length + sampleSize)) }

// skip leaves out a sample whose record has length bytes, for which the event, of size bytes, has no room. If that is
// what the cut has left of the size, the next event is where it should be.
func (b *Buffer) skip(to *Receiver, length, size uint64) error {
	if cutSize(uint32(length)) != size {
		b.pos -= size
		return b.giveUp(to, fmt.Sprintf("an event of %d bytes at %#x has a record of %d", size, b.pos, length))
	}
	return &Damage{fmt.Sprintf("a record of %d bytes does not fit into an event, which has less than 64 KiB", length)}
}

// giveUp leaves out what can be no event, and all that is behind it until events are recognized again.
func (b *Buffer) giveUp(to *Receiver, what string) error {
	if !to.Whole && b.possible() {
		b.pos = b.resume()
	} else {
		b.pos = b.filled
	}
	return &Damage{fmt.Sprintf("%s, as after a record of over 64 KiB; the events before %#x are lost", what, b.pos)}
}

// resume finds where events go on behind a damaged one: where the first begins from which each leads to the next one,
// up to the end.
func (b *Buffer) resume() uint64 {
	first := b.filled
	leads := make([]bool, (b.filled-b.pos)/8+1) // whether the event that begins there leads to the end
	leads[len(leads)-1] = true
	for i := len(leads) - 2; i > 0; i-- {
		at := b.pos + uint64(i)*8
		size := b.plausible(at)
		if next := i + int(size/8); next < len(leads) && leads[next] {
			leads[i], first = true, at
		}
	}
	return first
}

// plausible is the size of the event at a position, or 0 if there seems to be none.
func (b *Buffer) plausible(pos uint64) uint64 {
	mask := uint64(len(b.data) - 1)
	kind, size := b.header(pos & mask)
	second, _ := b.header((pos + headerSize) & mask) // of a sample: the length of its record
	switch {
	case size%8 != 0:
	case kind == unix.PERF_RECORD_SAMPLE && (size == headerSize || size == cutSize(second)):
		return size
	case kind == unix.PERF_RECORD_LOST && size == lostSize:
		return size
	}
	return 0
}
