// Package addresses manages the addresses of mapped memory that is handed out as slices.
//
// A slice can outlive its mapping, and nobody knows when the last one is gone. A slice that was kept by mistake must
// not point to nothing, which crashes the program, or to memory of somebody else. So the kernel never gets addresses
// back: pages of zeroes replace a mapping that ends, and a later mapping of the same use and length replaces them.
// Which mapping can do that depends on what a kept slice can do:
//
//   - A slice for reading harms nobody: any mapping can.
//   - A slice for writing can overwrite the later mapping. A mapping of the same map's content can replace it at once,
//     because the slice was for that content. Another mapping gets the addresses that are out of use for the longest time,
//     if there are more than quarantine others.
//
// So addresses and page tables do not grow with the number of mappings that there ever were.
package addresses

import (
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Range is the addresses of one mapping that was handed out.
type Range struct {
	Start  unsafe.Pointer
	Length uintptr
	Use    Use
	MapID  uint32 // the map whose content it is; 0 for none
}

// Use is what a mapping is for.
type Use int

// The uses of mappings.
const (
	ToRead  Use = iota // reading
	ToWrite            // reading and writing
	ToArena            // reading and writing, at an address that the kernel chose for an arena
)

// quarantine is how many ranges are left alone before one is used for another map.
const quarantine = 64

// class is of ranges that can take each other's place.
type class struct {
	use    Use
	length uintptr
}

func (a Range) class() class { return class{a.Use, a.Length} }

// retired are the ranges that are out of use, the longest first.
var retired struct {
	sync.Mutex
	ranges map[class][]Range
}

// Settle moves a mapping that was just made to addresses that are retired, where there are some for it. The mapping is
// one that the kernel moves; that of an arena is not.
func Settle(start unsafe.Pointer, length uintptr, use Use, mapID uint32) Range {
	a := Range{start, length, use, mapID}
	old, ok := a.TakeRetired(func(old Range) bool { return mapID != 0 && old.MapID == mapID }, true)
	if !ok {
		return a
	}
	_, err := unix.MremapPtr(start, length, old.Start, length, unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED)
	if err != nil {
		old.RetireUnmapped()
		return a
	}
	a.Start = old.Start
	return a
}

// TakeRetired takes addresses out of retirement that can be used for a: such as fit, or any.
func (a Range) TakeRetired(fits func(Range) bool, any bool) (Range, bool) {
	retired.Lock()
	defer retired.Unlock()
	ranges := retired.ranges[a.class()]
	i := slices.IndexFunc(ranges, fits)
	switch {
	case i >= 0:
	case any && (len(ranges) > quarantine || a.Use == ToRead && len(ranges) > 0):
		i = 0
	default:
		return Range{}, false
	}
	old := ranges[i]
	retired.ranges[a.class()] = slices.Delete(ranges, i, i+1)
	return old, true
}

// Retire ends the mapping.
func (a Range) Retire() error {
	if err := a.cover(unix.MAP_FIXED); err != nil {
		return err // it stays mapped, which is safe as well
	}
	a.offer()
	return nil
}

// RetireUnmapped is Retire where there may be nothing any more. What somebody else mapped there meanwhile stays.
func (a Range) RetireUnmapped() {
	if a.cover(unix.MAP_FIXED_NOREPLACE) == nil {
		a.offer()
	}
}

// cover puts zeroes there, which take up no memory until somebody writes to them.
func (a Range) cover(fixed int) error {
	protection := unix.PROT_READ
	if a.Use != ToRead {
		protection |= unix.PROT_WRITE
	}
	at, err := unix.MmapPtr(-1, 0, a.Start, a.Length, protection,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE|fixed)
	if err == nil && at != a.Start { // before Linux 4.17
		_ = unix.MunmapPtr(at, a.Length)
		err = unix.EEXIST
	}
	return err
}

// offer puts the range into retirement.
func (a Range) offer() {
	retired.Lock()
	defer retired.Unlock()
	if retired.ranges == nil {
		retired.ranges = make(map[class][]Range)
	}
	retired.ranges[a.class()] = append(retired.ranges[a.class()], a)
}
