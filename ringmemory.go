package libbpf

import (
	"math"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ringMemory is the mapping of a ring buffer: the page with the consumer position, that with the producer position,
// and the data twice, so that a record that goes beyond the end is in one piece.
type ringMemory struct {
	start  unsafe.Pointer
	length uintptr
}

// retired are the addresses of former mappings, by their length. Slices of a ring may still be about after Close, and
// nobody can know when the last is gone. So that they never point at nothing, or at memory that can be written to,
// the addresses stay taken, by pages of zeroes, and serve for the next ring of that size.
var retired struct {
	sync.Mutex
	starts map[uintptr][]unsafe.Pointer
}

// mapRing maps a ring buffer with size bytes of data.
func mapRing(fd int, size uintptr) (ringMemory, error) {
	page := uintptr(os.Getpagesize())
	if size > (math.MaxInt-2*page)/2 {
		return ringMemory{}, unix.E2BIG
	}
	m := ringMemory{length: 2*page + 2*size}
	if err := m.takeAddresses(); err != nil {
		return ringMemory{}, err
	}
	_, err := unix.MmapPtr(fd, 0, m.start, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED)
	if err == nil {
		_, err = unix.MmapPtr(fd, int64(page), unsafe.Add(m.start, page), m.length-page, unix.PROT_READ,
			unix.MAP_SHARED|unix.MAP_FIXED)
	}
	if err != nil {
		m.retire()
		return ringMemory{}, err
	}
	return m, nil
}

// mapPerf maps a perf event's buffer of length bytes, which libbpf has mapped already, a second time, for reading.
func mapPerf(fd int, length uintptr) (ringMemory, error) {
	m := ringMemory{length: length}
	if err := m.takeAddresses(); err != nil {
		return ringMemory{}, err
	}
	if _, err := unix.MmapPtr(fd, 0, m.start, length, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_FIXED); err != nil {
		m.retire()
		return ringMemory{}, err
	}
	return m, nil
}

func (m *ringMemory) takeAddresses() (err error) {
	retired.Lock()
	defer retired.Unlock()
	if starts := retired.starts[m.length]; len(starts) > 0 {
		m.start, retired.starts[m.length] = starts[len(starts)-1], starts[:len(starts)-1]
		return nil
	}
	m.start, err = unix.MmapPtr(-1, 0, nil, m.length, unix.PROT_READ,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	return err
}

// retire puts zeroes in the place of the ring.
func (m *ringMemory) retire() {
	_, err := unix.MmapPtr(-1, 0, m.start, m.length, unix.PROT_READ,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE|unix.MAP_FIXED)
	if err != nil {
		return // the ring stays mapped, which is safe as well
	}
	retired.Lock()
	defer retired.Unlock()
	if retired.starts == nil {
		retired.starts = make(map[uintptr][]unsafe.Pointer)
	}
	retired.starts[m.length] = append(retired.starts[m.length], m.start)
}
