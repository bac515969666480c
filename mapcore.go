package libbpf

import (
	"fmt"
	"iter"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// MapCore is a map in the kernel: a [Map] of an object, or a [MapHandle]. Both have these methods, which are documented
// there. Functions that take any map take a MapCore. No other type can implement it.
//
// Keys and values are raw bytes in the machine's byte order. A key must have KeySize bytes and a value ValueSize bytes;
// otherwise the error is [ErrInvalid], and the kernel is not called. A map without keys ([MapType.IsKeyless]) takes an
// empty or nil key.
//
// An operation on one element is one call of the libbpf function that its documentation names. LookupMany and the
// batches process many elements in one call.
//
// All methods are safe for concurrent use, also with Close. After Close of the object or the handle they return
// [ErrClosed]. The kernel finds, adds and removes an element atomically, but it does not copy the bytes of a value
// atomically while a program writes them: see [Lock].
type MapCore interface {
	Name() string
	Type() MapType
	KeySize() uint32
	ValueSize() uint32
	MaxEntries() uint32
	FD() int
	UseFD(f func(fd int) error) error
	Lookup(key []byte, flags MapFlags) ([]byte, error)
	LookupInto(key, value []byte, flags MapFlags) error
	LookupPerCPU(key []byte, flags MapFlags) ([][]byte, error)
	LookupPerCPUInto(key, values []byte, flags MapFlags) error
	LookupMany(keys, values []byte, found []bool, flags MapFlags) (int, error)
	LookupBloomFilter(value []byte) (bool, error)
	Update(key, value []byte, flags MapFlags) error
	UpdatePerCPU(key []byte, values [][]byte, flags MapFlags) error
	UpdatePerCPUFrom(key, values []byte, flags MapFlags) error
	Delete(key []byte) error
	LookupAndDelete(key []byte) ([]byte, error)
	LookupAndDeleteInto(key, value []byte) error
	LookupAndDeletePerCPU(key []byte) ([][]byte, error)
	LookupAndDeletePerCPUInto(key, values []byte) error
	Keys(err *error) iter.Seq[[]byte]
	All(err *error) iter.Seq2[[]byte, []byte]
	LookupBatch(cursor *MapCursor, keys, values []byte, flags MapFlags) (int, error)
	LookupAndDeleteBatch(cursor *MapCursor, keys, values []byte, flags MapFlags) (int, error)
	UpdateBatch(keys, values []byte, flags MapFlags) (int, error)
	DeleteBatch(keys []byte) (int, error)
	Info() (MapInfo, error)
	FDInfo() (MapFDInfo, error)
	Memory() (*MapMemory, error)
	Freeze() error
	Pin(path string) error
	PinIn(directory int, path string) error
	Unpin(path string) error

	core() *mapCore
}

var (
	_ MapCore = (*Map)(nil)
	_ MapCore = (*MapHandle)(nil)
)

// mapCore is the part that [Map] and [MapHandle] share. They embed it, so its exported methods are theirs. The zero
// value is a closed map.
type mapCore struct {
	h    *handle.Handle
	fd   int
	name string
	typ  MapType

	keySize, valueSize, maxEntries uint32
	cpus                           int // for a per-CPU map, the number of possible CPUs; otherwise 0

	arena *arena // for an object's arena, where libbpf has mapped it

	noBatch *atomic.Uint32 // the batchOps that the kernel does not have for this map

	// The errors of operations on absent keys. They are made in advance, because absent keys are common.
	missingLookup, missingUpdate, missingDelete, missingTake *Error
}

const opTake = "lookup and delete from"

// newMapCore makes the core of a map. It uses the name, type, sizes and device of info.
func newMapCore(h *handle.Handle, fd int, info MapInfo) (mapCore, error) {
	m := mapCore{
		h: h, fd: fd, name: info.Name, typ: info.Type,
		keySize: info.KeySize, valueSize: info.ValueSize, maxEntries: info.MaxEntries, noBatch: new(atomic.Uint32),
	}
	if m.typ.IsPerCPU() {
		cpus, err := PossibleCPUs()
		if err != nil {
			return mapCore{}, err
		}
		m.cpus = cpus
	}
	object := m.String()
	missing := func(op string) Error { return Error{Op: op, Object: object, Err: ErrKeyNotExist} }
	all := &[...]Error{missing("lookup in"), missing("update"), missing("delete from"), missing(opTake)}
	m.missingLookup, m.missingUpdate, m.missingDelete, m.missingTake = &all[0], &all[1], &all[2], &all[3]
	return m, nil
}

func (m *mapCore) core() *mapCore { return m }

// Name is the map's name. For global data it is a name such as "prog.bss", or the name of a custom section.
func (m *mapCore) Name() string { return m.name }

// Type is the map's kind.
func (m *mapCore) Type() MapType { return m.typ }

// KeySize is the length of a key in bytes, 0 for a map without keys.
func (m *mapCore) KeySize() uint32 { return m.keySize }

// ValueSize is the length of a value in bytes. For a per-CPU map it is the length of one CPU's value.
func (m *mapCore) ValueSize() uint32 { return m.valueSize }

// MaxEntries is how many elements the map can hold. For a ring buffer it is the size in bytes.
func (m *mapCore) MaxEntries() uint32 { return m.maxEntries }

// String is such as `map "counts"`.
func (m *mapCore) String() string { return fmt.Sprintf("map %q", m.name) }

func (m *mapCore) fail(op string, err error) error {
	return &Error{Op: op, Object: m.String(), Err: err}
}

// failed is the error of an operation on one element.
func (m *mapCore) failed(missing *Error, errno syscall.Errno) error {
	switch {
	case errno == unix.ENOENT:
		return missing
	case errno == unix.EEXIST:
		return m.fail(missing.Op, ErrKeyExist)
	case errno == unix.E2BIG && (m.typ.IsHash() || m.typ.IsKeyless()), errno == unix.ENOSPC && m.typ == MapTypeLPMTrie:
		return m.fail(missing.Op, ErrMapFull)
	case errno == unix.E2BIG:
		return m.fail(missing.Op, ErrIndexRange)
	default:
		return m.fail(missing.Op, m.explain(errno))
	}
}

// explain adds to the errno of an operation on elements what the errno does not say.
func (m *mapCore) explain(errno syscall.Errno) error {
	switch m.typ {
	case MapTypeSockMap, MapTypeSockHash, MapTypeReuseportSockArray:
		if errno == unix.ENOSPC && m.valueSize != 8 {
			return fault.Newf(errno, "user space can't read the values of a %s with values of %d bytes: "+
				"it reads socket cookies, which need 8 bytes", m.typ, m.valueSize)
		}
	}
	return errno
}

// begin acquires the map, and checks the lengths of the key and the value before the kernel gets them.
func (m *mapCore) begin(op string, key []byte, flags MapFlags, checkValue bool, value []byte) error {
	if err := m.h.Acquire(); err != nil {
		return m.fail(op, err)
	}
	switch {
	case m.typ > MapTypeInsnArray:
		return m.refuse(op, "this package does not know the layout of the values of a %s", m.typ)
	case uint64(len(key)) != uint64(m.keySize):
		return m.refuse(op, "key has %d bytes and must have %d", len(key), m.keySize)
	case !checkValue:
		return nil
	case m.cpus > 0 && !flags.oneValue():
		return m.refuse(op, "the map is per-CPU: use the method whose name has PerCPU in it")
	case uint64(len(value)) != uint64(m.valueSize):
		return m.refuse(op, "value has %d bytes and must have %d", len(value), m.valueSize)
	case flags.oneValue() && flags&(NoExist|Exist) != 0:
		return m.refuse(op, "NoExist and Exist can't be combined with OnCPU and AllCPUs: the kernel ignores them")
	case flags.oneValue():
		if err := m.takesOneValue(); err != nil {
			m.h.Drop()
			return m.fail(op, err)
		}
	}
	return nil
}

// refuse ends an operation that has wrong arguments.
func (m *mapCore) refuse(op, format string, args ...any) error {
	m.h.Drop()
	return m.fail(op, fault.Invalidf(format, args...))
}

// FD is the map's file descriptor, or -1 after Close. The map owns it: do not close it. After Close the number may be
// another file's; UseFD keeps it open during a call.
func (m *mapCore) FD() int {
	if m.h.Acquire() != nil {
		return -1
	}
	defer m.h.Drop()
	return m.fd
}
