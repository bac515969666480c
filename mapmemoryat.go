package libbpf

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// ReadAt copies len(b) bytes of the memory, starting at offset. After Close it returns [ErrClosed]; so, unlike the
// slice of Bytes, it never reads memory that is no longer the map's. 4 or 8 bytes at a multiple of their length are
// read atomically; a program may write other bytes while they are read. All bytes must be within the memory; otherwise
// the error is [ErrInvalid], and nothing is read. It is an [io.ReaderAt] that never reads only a part.
func (m *MapMemory) ReadAt(b []byte, offset int64) (int, error) {
	// The addresses stay mapped after Close. So for one number it is enough to check afterwards that the map was still
	// open.
	if m != nil && !m.leaves && m.has(len(b), offset) && readNumber(b, m.at(offset)) {
		if m.h.IsClosed() {
			clear(b)
			return 0, memoryError("read", ErrClosed)
		}
		return len(b), nil
	}
	if err := m.lease("read", len(b), offset); err != nil {
		return 0, err
	}
	defer m.h.Drop()
	if p := m.at(offset); !readNumber(b, p) {
		copy(b, unsafe.Slice((*byte)(p), len(b)))
	}
	return len(b), nil
}

// readNumber reads 4 or 8 bytes atomically, if p is aligned for them.
func readNumber(b []byte, p unsafe.Pointer) bool {
	switch {
	case len(b) == 8 && uintptr(p)%8 == 0:
		// Where a program publishes other bytes by this number, with release, they are read after it.
		binary.NativeEndian.PutUint64(b, atomic.LoadUint64((*uint64)(p)))
	case len(b) == 4 && uintptr(p)%4 == 0:
		binary.NativeEndian.PutUint32(b, atomic.LoadUint32((*uint32)(p)))
	default:
		return false
	}
	return true
}

// WriteAt copies b into the memory, starting at offset. It writes atomically what ReadAt reads atomically. It returns
// the same errors, and unix.EPERM if the memory is not Writable. It is an [io.WriterAt].
func (m *MapMemory) WriteAt(b []byte, offset int64) (int, error) {
	if err := m.lease("write", len(b), offset); err != nil {
		return 0, err
	}
	defer m.h.Drop()
	if !m.writable {
		return 0, memoryError("write", fault.New("the map is frozen, or read-only for user space", unix.EPERM))
	}
	switch p := m.at(offset); {
	case len(b) == 8 && offset%8 == 0:
		atomic.StoreUint64((*uint64)(p), binary.NativeEndian.Uint64(b))
	case len(b) == 4 && offset%4 == 0:
		atomic.StoreUint32((*uint32)(p), binary.NativeEndian.Uint32(b))
	default:
		copy(unsafe.Slice((*byte)(p), len(b)), b)
	}
	return len(b), nil
}

// lease keeps the mapping alive until the handle is dropped, if size bytes at offset are within it.
func (m *MapMemory) lease(op string, size int, offset int64) error {
	if m == nil || m.h.Acquire() != nil {
		return memoryError(op, ErrClosed)
	}
	if !m.has(size, offset) {
		m.h.Drop()
		return memoryError(op, fault.Invalidf("%d bytes at %d are not within the %d bytes", size, offset, len(m.bytes)))
	}
	return nil
}

func (m *MapMemory) has(size int, offset int64) bool {
	return offset >= 0 && offset <= int64(len(m.bytes)-size)
}

func (m *MapMemory) at(offset int64) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(m.bytes)), offset)
}

func memoryError(op string, err error) error { return &Error{Op: op, Object: "map memory", Err: err} }
