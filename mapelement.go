package libbpf

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The operations on one element make the system call themselves. libbpf's functions for them do nothing but fill in the
// same struct, and the way through C costs a quarter of what the kernel takes for a lookup in a hash table.

// elementAttr is the kernel's union bpf_attr, as far as it goes for an operation on one element.
type elementAttr struct {
	fd         uint32
	_          uint32
	key, value attrPointer
	flags      uint64
}

// attrPointer is a pointer in 64 bits, on machines of 32 bits too. It is no number, so that what it points at stays
// alive, and may be on a stack that moves.
type attrPointer [8 / unsafe.Sizeof(uintptr(0))]unsafe.Pointer

func newAttrPointer(b []byte) (p attrPointer) {
	switch at := unsafe.Pointer(unsafe.SliceData(b)); {
	case len(b) == 0:
	case len(p) > 1 && binary.NativeEndian.Uint16([]byte{0, 1}) == 1: // big endian
		p[len(p)-1] = at
	default:
		p[0] = at
	}
	return p
}

// element is an operation on one element: the kernel reads key, of m.keySize bytes, and reads or writes value, of
// m.elementSize(). The caller has acquired the map.
func (m *mapCore) element(command uintptr, key, value []byte, flags MapFlags) syscall.Errno {
	attr := elementAttr{
		fd: uint32(m.fd), key: newAttrPointer(key), value: newAttrPointer(value), flags: uint64(flags),
	}
	var errno syscall.Errno
	if m.prompt {
		_, _, errno = syscall.RawSyscall(unix.SYS_BPF, command, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	} else {
		_, _, errno = syscall.Syscall(unix.SYS_BPF, command, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	}
	return errno
}

// isPrompt tells whether the kernel never sleeps in an operation on one element of the map, nor copies for long, so that
// the Go runtime need not be told to run other goroutines on other threads meanwhile, which costs as much as a call into C.
// What remains is rare, and bounded by what the element holds: the kernel frees its lists and trees with it, and may wait
// for its timer's callback to end.
func isPrompt(info MapInfo, elementSize int) bool {
	const large = 4096
	switch info.Type {
	case MapTypeHash, MapTypeLRUHash, MapTypePerCPUHash, MapTypeLRUPerCPUHash, MapTypeArray, MapTypePerCPUArray,
		MapTypeLPMTrie, MapTypeQueue, MapTypeStack, MapTypeBloomFilter:
		return info.IfIndex == 0 && uint64(info.KeySize)+uint64(elementSize) <= large
	}
	return false
}
