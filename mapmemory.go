package libbpf

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/addresses"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// MapMemory is the content of an array or an arena, mapped into memory. Reads and writes need no system call. Programs,
// and all other processes that map it, share the memory. An element of an array begins at each multiple of the value
// size, rounded up to 8 bytes. The global data of an object is an array with one element.
//
// Programs can change the bytes at any time: use [sync/atomic] for what programs change.
type MapMemory struct {
	h        *handle.Handle
	bytes    []byte
	writable bool
	leaves   bool // libbpf owns the mapping: when it unmaps it, the addresses are unmapped for a moment
}

// Memory maps the content of an array or an arena into memory; the caller closes it (mmap, Linux 5.5 for arrays, 6.9
// for arenas). An array must be created with [CreateMMapable], as global data is; otherwise the error is [ErrInvalid].
// A frozen map is mapped read-only.
//
// The kernel maps an arena at one address only, the same in all processes: at its Extra, or, if that is 0, where it was
// mapped first. If that address is not free in this process, the error is unix.EEXIST; if the arena is mapped at
// another address, unix.EBUSY. For an arena of an object, Memory returns the mapping that libbpf made at Load; it ends
// with the object. Touching a page of an arena allocates it, unless the arena was created with [CreateSegvOnFault].
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
	var memory addresses.Range
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
		h: handle.New(handle.Resource{Release: memory.Retire}), bytes: unsafe.Slice((*byte)(memory.Start), int(size)), writable: writable,
	}, nil
}

const readWrite = unix.PROT_READ | unix.PROT_WRITE

// mapArray maps the size bytes of an array. The mapping is read-only if the array is frozen, or read-only for user
// space.
func mapArray(fd int, size uint64, id uint32) (memory addresses.Range, writable bool, err error) {
	page := uint64(os.Getpagesize())
	length := uintptr((size + page - 1) / page * page)
	use := addresses.ToWrite
	start, err := unix.MmapPtr(fd, 0, nil, length, readWrite, unix.MAP_SHARED)
	if err == unix.EPERM || err == unix.EACCES {
		use = addresses.ToRead
		start, err = unix.MmapPtr(fd, 0, nil, length, unix.PROT_READ, unix.MAP_SHARED)
	}
	if err == unix.EINVAL {
		err = errNotMappable
	}
	if err != nil {
		return addresses.Range{}, false, err
	}
	return addresses.Settle(start, length, use, id), use == addresses.ToWrite, nil
}

// mapArena maps an arena where the kernel allows it: at its Extra, or at the address at which any process mapped it
// first.
func mapArena(fd int, size uint64, info MapInfo) (memory addresses.Range, writable bool, err error) {
	state, err := mapFDInfo(fd)
	if err != nil {
		return addresses.Range{}, false, err
	}
	at := *(*unsafe.Pointer)(unsafe.Pointer(&info.Extra)) // an address outside of Go's heap
	memory = addresses.Range{Start: at, Length: uintptr(size), Use: addresses.ToArena, MapID: info.ID}
	flags := unix.MAP_SHARED
	fits := func(old addresses.Range) bool { return old.MapID == info.ID || old.Start == at }
	old, again := memory.TakeRetired(fits, at == nil)
	if again {
		at = old.Start
		flags |= unix.MAP_FIXED
	} else if at != nil {
		flags |= unix.MAP_FIXED_NOREPLACE
	}
	err = unix.EACCES
	if !state.Frozen {
		writable = true
		memory.Start, err = unix.MmapPtr(fd, 0, at, memory.Length, readWrite, flags)
	}
	if err == unix.EACCES { // read-only for user space
		writable = false
		memory.Start, err = unix.MmapPtr(fd, 0, at, memory.Length, unix.PROT_READ, flags)
	}
	if err == unix.EINVAL {
		err = errArenaElsewhere
	}
	if err != nil && again {
		old.RetireUnmapped()
	}
	return memory, writable, err
}

// These replace the kernel's EINVAL, which says little.
var (
	errNotMappable    = fault.Invalidf("the map was created without CreateMMapable")
	errArenaElsewhere = fmt.Errorf("the arena was mapped before, at another address: %w", unix.EBUSY)
)

// arena is where libbpf has mapped an object's arena. The kernel allows one address in a process.
type arena struct {
	memory addresses.Range // until the object is freed
	shown  atomic.Bool     // Memory or a pointer has handed out parts of it
}

func (a *arena) mapMemory(m *mapCore) (*MapMemory, error) {
	mem := &MapMemory{
		bytes: unsafe.Slice((*byte)(a.memory.Start), int(a.memory.Length)), writable: true, leaves: true,
	}
	var err error
	a.shown.Store(true)
	if mem.h, err = handle.NewChild(m.h, handle.Resource{Release: func() error { return nil }}); err != nil {
		return nil, m.fail("map memory of", err)
	}
	return mem, nil
}

// unmapped must be called right after libbpf has unmapped the memory. Its addresses can then serve arenas that a
// [MapHandle] maps. libbpf itself decides where an object's arena is.
func (a *arena) unmapped() {
	if a != nil && a.shown.Load() {
		a.memory.RetireUnmapped()
	}
}

// Bytes is the memory: MaxEntries elements, or MaxEntries pages for an arena; nil after Close. A slice taken before
// Close stays safe to use after Close, but is then no longer the map's content: see Close. Writing to memory that is
// not Writable is a fault that Go can't recover from.
func (m *MapMemory) Bytes() []byte {
	if m == nil || m.h.Acquire() != nil {
		return nil
	}
	defer m.h.Drop()
	return m.bytes
}

// Writable tells whether the memory can be written to. It is false for a map that is frozen, or read-only for user
// space, such as .rodata.
func (m *MapMemory) Writable() bool { return m != nil && m.writable }

// Close ends the mapping, but keeps its addresses reserved: slices and pointers that were taken before stay safe to
// use. They no longer show the map. If Memory of the same map is called again, it may use the same addresses. After 64
// other memories of the same length were closed, the memory of another map may use them. Close is idempotent.
func (m *MapMemory) Close() error {
	if m == nil {
		return nil
	}
	return closing("map memory", m.h.Close())
}

// MemoryAt returns a pointer to the T at an offset, in bytes, of a map's memory: access needs neither a system call nor
// a check. T must have a fixed size and no pointers. The offset must be aligned for T, and the T must be within the
// memory. Otherwise the error is [ErrInvalid].
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
		return nil, &Error{Op: op, Object: object, Err: fault.Invalidf("%T contains Go pointers", zero)}
	case offset < 0 || offset > len(memory)-size || size == 0:
		err := fault.Invalidf("%d bytes at %d are not within the %d bytes", size, offset, len(memory))
		return nil, &Error{Op: op, Object: object, Err: err}
	case offset%alignment(reflect.TypeFor[T]()) != 0:
		err := fault.Invalidf("offset %d is not aligned for %T", offset, zero)
		return nil, &Error{Op: op, Object: object, Err: err}
	}
	p := (*T)(unsafe.Pointer(&memory[offset]))
	runtime.KeepAlive(m)
	return p, nil
}

// alignment is that of the kernel, and of sync/atomic: 64 bits are aligned to 8 bytes. On machines of 32 bits, Go itself
// aligns them to 4.
func alignment(t reflect.Type) int {
	switch t.Kind() {
	case reflect.Array:
		return alignment(t.Elem())
	case reflect.Struct:
		most := 1
		for i := range t.NumField() {
			most = max(most, alignment(t.Field(i).Type))
		}
		return most
	case reflect.Complex64, reflect.Complex128:
		return int(t.Size()) / 2
	}
	return int(t.Size())
}

// String is such as "memory of 4096 bytes".
func (m *MapMemory) String() string { return fmt.Sprintf("memory of %d bytes", len(m.Bytes())) }
