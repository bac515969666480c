package libbpf

import (
	"errors"
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
// An operation on one element is one call of the libbpf function that its documentation names. LookupMany and the batches
// process many elements in one call.
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

// mapCore is the part that [Map] and [MapHandle] share. They embed it, so its exported methods are theirs. The zero value
// is a closed map.
type mapCore struct {
	h    *handle.Handle
	fd   int
	name string
	typ  MapType

	keySize, valueSize, maxEntries uint32
	cpus                           int // of a per-CPU map: the number of possible CPUs; otherwise 0

	arena *arena // of an object's arena that libbpf has mapped

	noBatch *atomic.Uint32 // the batchOps that the kernel does not have for this map

	// What operations on absent keys return, made in advance because a miss is an everyday result.
	missingLookup, missingUpdate, missingDelete, missingTake *Error
}

const opTake = "lookup and delete from"

// newMapCore makes the core of a map of which info has the name, type, sizes and device.
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
	object := m.object()
	missing := func(op string) *Error { return &Error{Op: op, Object: object, Err: ErrKeyNotExist} }
	m.missingLookup, m.missingUpdate, m.missingDelete = missing("lookup in"), missing("update"), missing("delete from")
	m.missingTake = missing(opTake)
	return m, nil
}

func (m *mapCore) core() *mapCore { return m }

// Name is the map's name; for global data it is such as "prog.bss", or the name of a custom section.
func (m *mapCore) Name() string { return m.name }

// Type is the map's kind.
func (m *mapCore) Type() MapType { return m.typ }

// KeySize is the length of a key in bytes, 0 for a map without keys.
func (m *mapCore) KeySize() uint32 { return m.keySize }

// ValueSize is the length of a value in bytes. Of a per-CPU map, it is that of one CPU's value.
func (m *mapCore) ValueSize() uint32 { return m.valueSize }

// MaxEntries is how many elements the map can hold. Of a ring buffer, it is the size in bytes.
func (m *mapCore) MaxEntries() uint32 { return m.maxEntries }

func (m *mapCore) object() string { return fmt.Sprintf("map %q", m.name) }

func (m *mapCore) fail(op string, err error) error {
	return &Error{Op: op, Object: m.object(), Err: err}
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

// explain is the error of an operation on elements, with what the errno does not say.
func (m *mapCore) explain(errno syscall.Errno) error {
	switch m.typ {
	case MapTypeSockMap, MapTypeSockHash, MapTypeReuseportSockArray:
		if errno == unix.ENOSPC && m.valueSize != 8 {
			return fault.Newf(errno, "of a %s with values of %d bytes user space sees no values: "+
				"these are cookies of sockets, of 8 bytes", m.typ, m.valueSize)
		}
	}
	return errno
}

// begin acquires the map, and checks the lengths that an operation is about to hand to the kernel.
func (m *mapCore) begin(op string, key []byte, flags MapFlags, checkValue bool, value []byte) error {
	if err := m.h.Acquire(); err != nil {
		return m.fail(op, err)
	}
	switch {
	case m.typ > MapTypeInsnArray:
		return m.refuse(op, "how long the values of a %s are is not known here", m.typ)
	case uint64(len(key)) != uint64(m.keySize):
		return m.refuse(op, "key has %d bytes and must have %d", len(key), m.keySize)
	case !checkValue:
		return nil
	case m.cpus > 0 && !flags.oneValue():
		return m.refuse(op, "the map is per-CPU: use the method whose name has PerCPU in it")
	case uint64(len(value)) != uint64(m.valueSize):
		return m.refuse(op, "value has %d bytes and must have %d", len(value), m.valueSize)
	case flags.oneValue():
		if err := m.takesOneValue(); err != nil {
			m.h.Drop()
			return m.fail(op, err)
		}
	}
	return nil
}

// oneValueKnown remembers whether the kernel knows the flags for one value of a per-CPU map: 1 yes, -1 no.
var oneValueKnown atomic.Int32

var errNoOneValue = fmt.Errorf("this kernel has no flags for one CPU's value: %w", errors.ErrUnsupported)

// takesOneValue asks the kernel before it is given one value: a kernel that does not know the flags would read as many
// as there are CPUs. The caller has acquired the map.
func (m *mapCore) takesOneValue() error {
	if m.cpus == 0 {
		return fault.Invalidf("the map is not per-CPU but of type %s", m.typ)
	}
	if oneValueKnown.Load() == 0 {
		key, image := make([]byte, m.keySize), make([]byte, m.elementSize())
		if m.lookupElement(key, image, OnCPU(0)) == unix.EINVAL {
			oneValueKnown.Store(-1)
		} else {
			oneValueKnown.Store(1)
		}
	}
	if oneValueKnown.Load() < 0 {
		return errNoOneValue
	}
	return nil
}

// errOneValue refuses the flags for one value where one for each CPU is wanted.
var errOneValue = fault.Invalidf("flags for one CPU's value are for Lookup and Update")

// beginPerCPU is begin for an operation on the values of all CPUs.
func (m *mapCore) beginPerCPU(op string, key, values []byte, flags MapFlags) error {
	if err := m.begin(op, key, flags, false, nil); err != nil {
		return err
	}
	switch {
	case flags.oneValue():
		m.h.Drop()
		return m.fail(op, errOneValue)
	case m.cpus == 0:
		return m.refuse(op, "the map is not per-CPU but of type %s", m.typ)
	case len(values) != m.elementSize():
		return m.refuse(op, "values have %d bytes and must have %d", len(values), m.elementSize())
	}
	return nil
}

// refuse ends an operation whose arguments are wrong.
func (m *mapCore) refuse(op, format string, args ...any) error {
	m.h.Drop()
	return m.fail(op, fault.Invalidf(format, args...))
}

// Lookup returns a copy of the value under key: [ErrKeyNotExist] when there is none
// (bpf_map_lookup_elem_flags). A queue or stack shows its next element and keeps it. A per-CPU map shows the value
// of one CPU, which flags name with [OnCPU].
func (m *mapCore) Lookup(key []byte, flags MapFlags) ([]byte, error) {
	value := make([]byte, m.valueSize)
	if err := m.LookupInto(key, value, flags); err != nil {
		return nil, err
	}
	return value, nil
}

// LookupInto is Lookup into the caller's buffer of ValueSize bytes. It does not allocate, also when there is
// no such key.
func (m *mapCore) LookupInto(key, value []byte, flags MapFlags) error {
	if err := m.begin("lookup in", key, flags, true, value); err != nil {
		return err
	}
	if m.typ == MapTypeBloomFilter {
		return m.refuse("lookup in", "a bloom filter is asked with LookupBloomFilter")
	}
	errno := m.lookupElement(key, value, flags)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingLookup, errno)
	}
	return nil
}

// LookupBloomFilter tells whether value may be in the bloom filter; false is certain.
func (m *mapCore) LookupBloomFilter(value []byte) (bool, error) {
	if err := m.begin("lookup in", nil, Any, true, value); err != nil {
		return false, err
	}
	if m.typ != MapTypeBloomFilter {
		return false, m.refuse("lookup in", "the map is not a bloom filter but of type %s", m.typ)
	}
	errno := m.lookupElement(nil, value, Any)
	m.h.Drop()
	switch errno {
	case 0:
		return true, nil
	case unix.ENOENT:
		return false, nil
	}
	return false, m.failed(m.missingLookup, errno)
}

// Update sets the value under key: [ErrKeyExist] or [ErrKeyNotExist] as the flags ask, [ErrMapFull] when there
// is no room, [ErrIndexRange] beyond the end of an array (bpf_map_update_elem). For a queue, stack or bloom
// filter it adds the value; [Exist] then pushes out the oldest. Of a per-CPU map it sets the value of one CPU or of
// all, as flags say with [OnCPU] or [AllCPUs]. It does not allocate.
func (m *mapCore) Update(key, value []byte, flags MapFlags) error {
	if err := m.begin("update", key, flags, true, value); err != nil {
		return err
	}
	errno := m.updateElement(key, value, flags)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingUpdate, errno)
	}
	return nil
}

// Delete removes the element: [ErrKeyNotExist] when there is none (bpf_map_delete_elem). Arrays refuse it with
// unix.EINVAL. It does not allocate.
func (m *mapCore) Delete(key []byte) error {
	if err := m.begin("delete from", key, Any, false, nil); err != nil {
		return err
	}
	errno := m.deleteElement(key)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingDelete, errno)
	}
	return nil
}

// LookupAndDelete returns the value and removes the element in one step
// (bpf_map_lookup_and_delete_elem_flags): queues and stacks since Linux 4.20, hash tables since 5.14.
func (m *mapCore) LookupAndDelete(key []byte) ([]byte, error) {
	value := make([]byte, m.valueSize)
	if err := m.LookupAndDeleteInto(key, value); err != nil {
		return nil, err
	}
	return value, nil
}

// LookupAndDeleteInto is LookupAndDelete into the caller's buffer of ValueSize bytes. It does not allocate.
func (m *mapCore) LookupAndDeleteInto(key, value []byte) error {
	if err := m.begin(opTake, key, Any, true, value); err != nil {
		return err
	}
	errno := m.takeElement(key, value)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingTake, errno)
	}
	return nil
}

// slotSize is the room of one CPU's value in the kernel's image of a per-CPU element.
func (m *mapCore) slotSize() int { return (int(m.valueSize) + 7) &^ 7 }

// elementSize is the length of all that the kernel copies for one element.
func (m *mapCore) elementSize() int {
	if m.cpus > 0 {
		return m.cpus * m.slotSize()
	}
	return int(m.valueSize)
}

// perCPUValues cuts the kernel's image of a per-CPU element into the values.
func (m *mapCore) perCPUValues(image []byte) [][]byte {
	values := make([][]byte, m.cpus)
	for i := range values {
		at := i * m.slotSize()
		values[i] = image[at : at+int(m.valueSize) : at+int(m.valueSize)]
	}
	return values
}

// LookupPerCPU returns the value of each possible CPU, in order, from a per-CPU map.
func (m *mapCore) LookupPerCPU(key []byte, flags MapFlags) ([][]byte, error) {
	image := make([]byte, m.elementSize())
	if err := m.LookupPerCPUInto(key, image, flags); err != nil {
		return nil, err
	}
	return m.perCPUValues(image), nil
}

// LookupPerCPUInto is LookupPerCPU into the caller's buffer, which has room for the values of all possible CPUs,
// each filled up to a multiple of eight bytes. It does not allocate.
func (m *mapCore) LookupPerCPUInto(key, values []byte, flags MapFlags) error {
	if err := m.beginPerCPU("lookup in", key, values, flags); err != nil {
		return err
	}
	errno := m.lookupElement(key, values, flags)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingLookup, errno)
	}
	return nil
}

// LookupAndDeletePerCPU is LookupAndDelete for a per-CPU map, with the value of each possible CPU.
func (m *mapCore) LookupAndDeletePerCPU(key []byte) ([][]byte, error) {
	image := make([]byte, m.elementSize())
	if err := m.LookupAndDeletePerCPUInto(key, image); err != nil {
		return nil, err
	}
	return m.perCPUValues(image), nil
}

// LookupAndDeletePerCPUInto is LookupAndDeletePerCPU into a buffer as LookupPerCPUInto fills. It does not allocate.
func (m *mapCore) LookupAndDeletePerCPUInto(key, values []byte) error {
	if err := m.beginPerCPU(opTake, key, values, Any); err != nil {
		return err
	}
	errno := m.takeElement(key, values)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingTake, errno)
	}
	return nil
}

// UpdatePerCPU sets the value of each possible CPU; values has [PossibleCPUs] elements.
func (m *mapCore) UpdatePerCPU(key []byte, values [][]byte, flags MapFlags) error {
	// First of all, so that a closed map says that it is closed.
	if err := m.h.Acquire(); err != nil {
		return m.fail("update", err)
	}
	defer m.h.Drop()
	image := make([]byte, m.elementSize())
	if m.cpus > 0 {
		if err := m.fillImage(image, values); err != nil {
			return m.fail("update", err)
		}
	}
	return m.UpdatePerCPUFrom(key, image, flags)
}

// fillImage makes the kernel's image of a per-CPU element of the values.
func (m *mapCore) fillImage(image []byte, values [][]byte) error {
	if len(values) != m.cpus {
		return fault.Invalidf("%d values given for %d possible CPUs", len(values), m.cpus)
	}
	for cpu, value := range values {
		if uint64(len(value)) != uint64(m.valueSize) {
			return fault.Invalidf("value of CPU %d has %d bytes and must have %d", cpu, len(value), m.valueSize)
		}
		copy(image[cpu*m.slotSize():], value)
	}
	return nil
}

// UpdatePerCPUFrom is UpdatePerCPU from a buffer that is laid out as LookupPerCPUInto fills it. It does not allocate.
func (m *mapCore) UpdatePerCPUFrom(key, values []byte, flags MapFlags) error {
	if err := m.beginPerCPU("update", key, values, flags); err != nil {
		return err
	}
	errno := m.updateElement(key, values, flags)
	m.h.Drop()
	if errno != 0 {
		return m.failed(m.missingUpdate, errno)
	}
	return nil
}

// FD is the map's file descriptor, or -1 after Close. It remains the map's: it must not be closed, and may be
// another file's number after Close.
func (m *mapCore) FD() int {
	if m.h.Acquire() != nil {
		return -1
	}
	defer m.h.Drop()
	return m.fd
}
