package libbpf

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/addresses"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/ring"
)

// ringOf checks that a map is a ring buffer, and one whose records stay until they are consumed.
func ringOf(op string, m MapCore) (*mapCore, error) {
	c, err := coreOf(m)
	if err != nil {
		return nil, &Error{Op: op, Object: "map", Err: err}
	}
	if c.typ != MapTypeRingBuf && c.h != nil {
		return nil, c.fail(op, fault.Invalidf("the map is not a ring buffer but of type %s", c.typ))
	}
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	// Nothing keeps a program from overwriting a record that is being read, or tells the reader. libbpf does not know
	// such ring buffers.
	if info.Flags&CreateRingBufOverwrite != 0 {
		return nil, c.fail(op, fmt.Errorf("programs overwrite its records while they are read (flag CreateRingBufOverwrite): %w",
			errors.ErrUnsupported))
	}
	return c, nil
}

// mappedRing is a ring buffer in a mapping that must be retired.
type mappedRing struct {
	ring.Buffer
	memory addresses.Range
}

// mapRing maps a ring buffer with size bytes of data: all of it for reading, and the page with the consumer position
// for writing too.
func mapRing(fd int, size uintptr) (mappedRing, error) {
	page := uintptr(os.Getpagesize())
	length, ok := ring.MappingLength(page, size)
	if !ok {
		return mappedRing{}, unix.E2BIG
	}
	start, err := unix.MmapPtr(fd, 0, nil, length, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return mappedRing{}, err
	}
	memory := addresses.Settle(start, length, addresses.ToRead, 0)
	_, err = unix.MmapPtr(fd, 0, memory.Start, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED)
	if err != nil {
		_ = memory.Retire()
		return mappedRing{}, err
	}
	return mappedRing{ring.NewBuffer(memory.Start, page, size), memory}, nil
}

// RingStats says how full a ring buffer is. Programs and readers change that all the time.
type RingStats struct {
	// Size is the size of the data in bytes.
	Size uint64
	// Available is the number of bytes that are reserved and not consumed, headers included.
	Available uint64
	// ConsumerPos and ProducerPos are the numbers of bytes that were ever consumed and reserved, headers included. They
	// have the size of a C long, and wrap around.
	ConsumerPos, ProducerPos uint64
}
