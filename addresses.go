package libbpf

import (
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// addresses is the address range of a mapping whose bytes were handed out to the user.
//
// Slices of the bytes may still exist when the mapping ends, and nobody knows when the last one is gone. A slice that
// was kept by mistake must not crash, and must not point to somebody else's memory. So the kernel never gets the
// addresses back: zero pages replace the mapping, and a later mapping of the same use and length reuses the addresses.
// Which mapping may do so depends on what a kept slice can do:
//
//   - A slice that can only be read does no harm: any mapping may reuse the addresses.
//   - A slice that can be written to may overwrite the next mapping. A mapping of the same map may reuse the addresses,
//     because the slice was for the content of that map. Other mappings reuse the range that has been out of use for
//     longest, once there are quarantine others.
//
// So addresses and page tables do not grow with the number of mappings over time.
type addresses struct {
	start  unsafe.Pointer
	length uintptr
	use    addressUse
	mapID  uint32 // the map whose content it is; 0 when it does not stay with one map
}

// addressUse is what a mapping is used for.
type addressUse int

const (
	toRead addressUse = iota
	toWrite
	toArena // to write to, where the kernel allows an arena to be
)

// quarantine is how many ranges stay unused before one is reused for another map.
const quarantine = 64

// addressClass is a class of ranges that can replace each other.
type addressClass struct {
	use    addressUse
	length uintptr
}

func (a addresses) class() addressClass { return addressClass{a.use, a.length} }

// retired has the ranges that are out of use, the longest unused first.
var retired struct {
	sync.Mutex
	ranges map[addressClass][]addresses
}

// settle moves a new mapping to retired addresses, if there are any for it. The kernel can move the mapping; it can't
// move an arena's.
func settle(start unsafe.Pointer, length uintptr, use addressUse, mapID uint32) addresses {
	a := addresses{start, length, use, mapID}
	old, ok := a.takeRetired(func(old addresses) bool { return mapID != 0 && old.mapID == mapID }, true)
	if !ok {
		return a
	}
	_, err := unix.MremapPtr(start, length, old.start, length, unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED)
	if err != nil {
		old.retireUnmapped()
		return a
	}
	a.start = old.start
	return a
}

// takeRetired returns retired addresses for the use of a: those that fits accepts, or with any, also others.
func (a addresses) takeRetired(fits func(addresses) bool, any bool) (addresses, bool) {
	retired.Lock()
	defer retired.Unlock()
	ranges := retired.ranges[a.class()]
	i := slices.IndexFunc(ranges, fits)
	switch {
	case i >= 0:
	case any && (len(ranges) > quarantine || a.use == toRead && len(ranges) > 0):
		i = 0
	default:
		return addresses{}, false
	}
	old := ranges[i]
	retired.ranges[a.class()] = slices.Delete(ranges, i, i+1)
	return old, true
}

// retire ends the mapping.
func (a addresses) retire() error {
	if err := a.cover(unix.MAP_FIXED); err != nil {
		return err // it stays mapped, which is safe too
	}
	a.offer()
	return nil
}

// retireUnmapped is retire for a range that may be unmapped already. It leaves alone what somebody else mapped there.
func (a addresses) retireUnmapped() {
	if a.cover(unix.MAP_FIXED_NOREPLACE) == nil {
		a.offer()
	}
}

// cover maps zero pages over the range. They need no memory until somebody writes to them.
func (a addresses) cover(fixed int) error {
	protection := unix.PROT_READ
	if a.use != toRead {
		protection |= unix.PROT_WRITE
	}
	at, err := unix.MmapPtr(-1, 0, a.start, a.length, protection,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE|fixed)
	if err == nil && at != a.start { // before Linux 4.17
		_ = unix.MunmapPtr(at, a.length)
		err = unix.EEXIST
	}
	return err
}

// offer puts the range into retirement.
func (a addresses) offer() {
	retired.Lock()
	defer retired.Unlock()
	if retired.ranges == nil {
		retired.ranges = make(map[addressClass][]addresses)
	}
	retired.ranges[a.class()] = append(retired.ranges[a.class()], a)
}
