package libbpf

import (
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// addresses are where the bytes of a mapping are that was handed out.
//
// Slices of it may still be about when the mapping ends, and nobody can know when the last is gone. One that was kept
// by mistake must not point at nothing, which crashes, or at memory of somebody else's. So the kernel never gets
// addresses back: pages of zeroes take the mapping's place, and a later mapping of the same use and length theirs. Which
// one may do so depends on what a slice that was kept can do:
//
//   - One that can only be read harms nobody: any mapping may.
//   - One that can be written to may overwrite what comes next. If that is the content of the same map, it is at least
//     what the slice was for. Another mapping gets the addresses that have been out of use for longest, once there are
//     quarantine others.
//
// So addresses and page tables do not grow with the number of mappings that there ever were.
type addresses struct {
	start  unsafe.Pointer
	length uintptr
	use    addressUse
	mapID  uint32 // of the map whose content it is; 0 where it is no map's for good
}

// addressUse is what a mapping is used for.
type addressUse int

const (
	toRead addressUse = iota
	toWrite
	toArena // to write to, where the kernel lets an arena be
)

// quarantine is how many ranges are left alone before one is used for another map.
const quarantine = 64

// addressClass is of ranges that can take each other's place.
type addressClass struct {
	use    addressUse
	length uintptr
}

func (a addresses) class() addressClass { return addressClass{a.use, a.length} }

// retired are the ranges that are out of use, the longest first.
var retired struct {
	sync.Mutex
	ranges map[addressClass][]addresses
}

// settle moves a mapping that was just made to addresses that are retired, where there are some for it. The mapping is
// one that the kernel moves; that of an arena is not.
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

// takeRetired takes addresses out of retirement that can be used for a: such as fit, or any.
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
		return err // it stays mapped, which is safe as well
	}
	a.offer()
	return nil
}

// retireUnmapped is retire where there may be nothing any more. What somebody else mapped there meanwhile stays.
func (a addresses) retireUnmapped() {
	if a.cover(unix.MAP_FIXED_NOREPLACE) == nil {
		a.offer()
	}
}

// cover puts zeroes there, which take up no memory until somebody writes to them.
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
