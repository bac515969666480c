package libbpf

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// MapMemory is the content of an array or an arena as memory, read and written without system calls, and shared with
// programs and everybody else who has it mapped. In an array, an element begins at each multiple of the value size
// rounded up to eight bytes. The global data of an object is an array with one element.
//
// The bytes change under the reader's eyes: access what programs change with [sync/atomic].
type MapMemory struct {
	h        *handle.Handle
	bytes    []byte
	writable bool
	leaves   bool // for a moment when it is closed, the addresses are nobody's: they are libbpf's
}

// Memory maps the content of an array that was created with [CreateMMapable], as global data is, or of an arena, into
// memory; the caller closes it (mmap, Linux 5.5, for arenas 6.9). A map that is frozen is mapped for reading only.
// An arena has one address, in all processes: its Extra, or the one at which it was mapped first, as libbpf does with
// an object's. That of an object ends with the object. Elsewhere it is errors.Is(err, unix.EBUSY). Touching a page of
// an arena allocates it, unless the arena was created with [CreateSegvOnFault].
func (m *mapCore) Memory() (*MapMemory, error) {
	const op = "map memory of"
	if m.arena != nil {
		return m.arena.mapMemory(m)
	}
	if err := m.h.Acquire(); err != nil {
		return nil, m.fail(op, err)
	}
	defer m.h.Drop()
	info, err := mapInfo(m.fd)
	if err != nil {
		return nil, m.fail(op, err)
	}
	var memory addresses
	var size uint64
	var writable bool
	switch m.typ {
	case MapTypeArray:
		size = (uint64(m.valueSize) + 7) / 8 * 8 * uint64(m.maxEntries)
		memory, writable, err = mapArray(m.fd, size, info.ID)
	case MapTypeArena:
		size = uint64(os.Getpagesize()) * uint64(m.maxEntries)
		memory, writable, err = mapArena(m.fd, size, info)
	default:
		err = fault.Invalidf("the map is neither an array nor an arena but of type %s", m.typ)
	}
	if err != nil {
		return nil, m.fail(op, err)
	}
	return &MapMemory{
		h: handle.New(handle.Resource{Release: memory.retire}), bytes: unsafe.Slice((*byte)(memory.start), int(size)), writable: writable,
	}, nil
}

const readWrite = unix.PROT_READ | unix.PROT_WRITE

// mapArray maps the size bytes of an array, for reading only if it is frozen, or read-only for user space.
func mapArray(fd int, size uint64, id uint32) (memory addresses, writable bool, err error) {
	page := uint64(os.Getpagesize())
	length := uintptr((size + page - 1) / page * page)
	use := toWrite
	start, err := unix.MmapPtr(fd, 0, nil, length, readWrite, unix.MAP_SHARED)
	if err == unix.EPERM || err == unix.EACCES {
		use = toRead
		start, err = unix.MmapPtr(fd, 0, nil, length, unix.PROT_READ, unix.MAP_SHARED)
	}
	if err == unix.EINVAL {
		err = errNotMappable
	}
	if err != nil {
		return addresses{}, false, err
	}
	return settle(start, length, use, id), use == toWrite, nil
}

// mapArena maps an arena where the kernel lets it be: at its Extra, or where it was mapped first, by whomever.
func mapArena(fd int, size uint64, info MapInfo) (memory addresses, writable bool, err error) {
	state, err := mapFDInfo(fd)
	if err != nil {
		return addresses{}, false, err
	}
	at := *(*unsafe.Pointer)(unsafe.Pointer(&info.Extra)) // an address, and none of Go's
	memory = addresses{at, uintptr(size), toArena, info.ID}
	flags := unix.MAP_SHARED
	fits := func(old addresses) bool { return old.mapID == info.ID || old.start == at }
	old, again := memory.takeRetired(fits, at == nil)
	if again {
		at = old.start
		flags |= unix.MAP_FIXED
	} else if at != nil {
		flags |= unix.MAP_FIXED_NOREPLACE
	}
	err = unix.EACCES
	if !state.Frozen {
		writable = true
		memory.start, err = unix.MmapPtr(fd, 0, at, memory.length, readWrite, flags)
	}
	if err == unix.EACCES { // read-only for user space
		writable = false
		memory.start, err = unix.MmapPtr(fd, 0, at, memory.length, unix.PROT_READ, flags)
	}
	if err == unix.EINVAL {
		err = errArenaElsewhere
	}
	if err != nil && again {
		old.retireUnmapped()
	}
	return memory, writable, err
}

// What stands for the kernel's EINVAL, which says little.
var (
	errNotMappable    = fault.Invalidf("the map was created without CreateMMapable")
	errArenaElsewhere = fmt.Errorf("the arena was mapped before, and has its address by that: %w", unix.EBUSY)
)

// arena is where libbpf has mapped an object's arena. The kernel lets a process have it at one address only.
type arena struct {
	memory addresses   // until the object is freed
	shown  atomic.Bool // slices of it are about
}

func (a *arena) mapMemory(m *mapCore) (*MapMemory, error) {
	mem := &MapMemory{
		bytes: unsafe.Slice((*byte)(a.memory.start), int(a.memory.length)), writable: true, leaves: true,
	}
	var err error
	a.shown.Store(true)
	if mem.h, err = handle.NewChild(m.h, handle.Resource{Release: func() error { return nil }}); err != nil {
		return nil, m.fail("map memory of", err)
	}
	return mem, nil
}

// unmapped is to be called when libbpf has just given the memory up. Its addresses then serve arenas that are mapped by
// a [MapHandle]; where an object's is, libbpf decides.
func (a *arena) unmapped() {
	if a != nil && a.shown.Load() {
		a.memory.retireUnmapped()
	}
}

// Bytes is the memory, of MaxEntries elements, or of MaxEntries pages for an arena; nil after Close. It is the map's
// content until Close, and then safe to touch, but nobody's, until it is mapped again. Writing to it while it is not
// Writable is a fault that can't be recovered from.
func (m *MapMemory) Bytes() []byte {
	if m == nil || m.h.Acquire() != nil {
		return nil
	}
	defer m.h.Drop()
	return m.bytes
}

// Writable tells whether the memory may be written to: not that of a map that is frozen or read-only, as .rodata is.
func (m *MapMemory) Writable() bool { return m != nil && m.writable }

// Close gives the mapping up, but not its addresses: slices and pointers that were taken before remain safe to use.
// They have nothing to do with the map any more, unless its Memory is called again, which maps it there. Once 64 others
// of that length were closed, another map's may be mapped there instead. It is idempotent.
func (m *MapMemory) Close() error {
	if m == nil {
		return nil
	}
	return m.h.Close()
}

// MemoryAt is the T at an offset, in bytes, of a map's memory: an access without a system call or a check. T is of fixed
// size and without pointers. The offset must be aligned for T, and the T within the memory: [ErrInvalid].
func MemoryAt[T any](m *MapMemory, offset int) (*T, error) {
	const op, object = "get a place in", "map memory"
	memory := m.Bytes()
	if memory == nil {
		return nil, &Error{Op: op, Object: object, Err: ErrClosed}
	}
	var zero T
	size := int(unsafe.Sizeof(zero))
	switch {
	case hasPointers(reflect.TypeFor[T]()):
		return nil, &Error{Op: op, Object: object, Err: fault.Invalidf("%T has Go pointers in it", zero)}
	case offset < 0 || offset > len(memory)-size || size == 0:
		err := fault.Invalidf("%d bytes at %d are beyond the %d that there are", size, offset, len(memory))
		return nil, &Error{Op: op, Object: object, Err: err}
	case offset%int(unsafe.Alignof(zero)) != 0:
		err := fault.Invalidf("offset %d is not aligned for %T", offset, zero)
		return nil, &Error{Op: op, Object: object, Err: err}
	}
	p := (*T)(unsafe.Pointer(&memory[offset]))
	runtime.KeepAlive(m)
	return p, nil
}

// String is such as "memory of 4096 bytes".
func (m *MapMemory) String() string { return fmt.Sprintf("memory of %d bytes", len(m.Bytes())) }
