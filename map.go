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

// MapCore is what can be done with every map that is in the kernel, be it a [Map] of an object or a [MapHandle] of its
// own. Keys and values are raw bytes, in the machine's byte order, and must have exactly the map's key and value size:
// a wrong length is an [ErrInvalid], and does not reach the kernel. A map without keys ([MapType.IsKeyless]) takes an
// empty or nil key.
//
// Operations on one element are one call of the libbpf function that is named with them. Where many elements are wanted,
// LookupMany and the batches do it in one call for all.
//
// All methods are safe for concurrent use, closing included: after Close of the object or the handle they return
// [ErrClosed]. The kernel makes each operation on one element atomic with respect to its place in the map, but not the
// bytes of the value while a program writes them: see [Lock].
type MapCore interface {
	// Name is the map's name; for global data it is such as "prog.bss", or the name of a custom section.
	Name() string
	// Type is the map's kind.
	Type() MapType
	// KeySize is the length of a key in bytes, 0 for a map that has none.
	KeySize() uint32
	// ValueSize is the length of a value in bytes; for a per-CPU map, of one CPU's value.
	ValueSize() uint32
	// MaxEntries is how many elements the map can hold; for ring buffers, the size in bytes.
	MaxEntries() uint32
	// FD is the map's file descriptor, or -1 after Close. It remains the map's: it must not be closed, and may be
	// another file's number after Close.
	FD() int
	// UseFD runs f with the map's file descriptor, which remains open and the map's until f returns, also when it is
	// closed meanwhile. f's error is returned as it is.
	UseFD(f func(fd int) error) error

	// Lookup returns a copy of the value under key: [ErrKeyNotExist] when there is none
	// (bpf_map_lookup_elem_flags). A queue or stack shows its next element and keeps it. A per-CPU map shows the value
	// of one CPU, which flags name with [OnCPU].
	Lookup(key []byte, flags MapFlags) ([]byte, error)
	// LookupInto is Lookup into the caller's buffer of ValueSize bytes. It does not allocate, also when there is
	// no such key.
	LookupInto(key, value []byte, flags MapFlags) error
	// LookupPerCPU returns the value of each possible CPU, in order, from a per-CPU map.
	LookupPerCPU(key []byte, flags MapFlags) ([][]byte, error)
	// LookupPerCPUInto is LookupPerCPU into the caller's buffer, which has room for the values of all possible CPUs,
	// each filled up to a multiple of eight bytes. It does not allocate.
	LookupPerCPUInto(key, values []byte, flags MapFlags) error
	// LookupMany looks many keys up, in their order, in one call into C: what is one by one mostly the way there and back
	// (bpf_map_lookup_elem_flags for each). keys and values have room for the same number of elements, end to end, as in
	// LookupBatch; found has one bool for each. A key that is absent is no error: found is false, and its place in values
	// stays as it was. It returns how many were found. Another error ends it and names the key by its number; those
	// before it are done. It does not allocate.
	LookupMany(keys, values []byte, found []bool, flags MapFlags) (int, error)
	// LookupBloomFilter tells whether value may be in the bloom filter; false is certain.
	LookupBloomFilter(value []byte) (bool, error)
	// Update sets the value under key: [ErrKeyExist] or [ErrKeyNotExist] as the flags ask, [ErrMapFull] when there
	// is no room, [ErrIndexRange] beyond the end of an array (bpf_map_update_elem). For a queue, stack or bloom
	// filter it adds the value; [Exist] then pushes out the oldest. Of a per-CPU map it sets the value of one CPU or of
	// all, as flags say with [OnCPU] or [AllCPUs]. It does not allocate.
	Update(key, value []byte, flags MapFlags) error
	// UpdatePerCPU sets the value of each possible CPU; values has [PossibleCPUs] elements.
	UpdatePerCPU(key []byte, values [][]byte, flags MapFlags) error
	// UpdatePerCPUFrom is UpdatePerCPU from a buffer that is laid out as LookupPerCPUInto fills it. It does not allocate.
	UpdatePerCPUFrom(key, values []byte, flags MapFlags) error
	// Delete removes the element: [ErrKeyNotExist] when there is none (bpf_map_delete_elem). Arrays refuse it with
	// unix.EINVAL. It does not allocate.
	Delete(key []byte) error
	// LookupAndDelete returns the value and removes the element in one step
	// (bpf_map_lookup_and_delete_elem_flags): queues and stacks since Linux 4.20, hash tables since 5.14.
	LookupAndDelete(key []byte) ([]byte, error)
	// LookupAndDeleteInto is LookupAndDelete into the caller's buffer of ValueSize bytes. It does not allocate.
	LookupAndDeleteInto(key, value []byte) error
	// LookupAndDeletePerCPU is LookupAndDelete for a per-CPU map, with the value of each possible CPU.
	LookupAndDeletePerCPU(key []byte) ([][]byte, error)
	// LookupAndDeletePerCPUInto is LookupAndDeletePerCPU into a buffer as LookupPerCPUInto fills. It does not allocate.
	LookupAndDeletePerCPUInto(key, values []byte) error
	// Keys iterates over the keys, as far as they were there all the time, in batches underneath as Entries does; a key
	// is valid until the next step. Maps whose values are large, or not for user space to see, are walked key by key
	// (bpf_map_get_next_key). When the loop ends early because of an error, that is in *err. Keys that come or go
	// meanwhile may be missed or come twice, and an iteration that finds more than twice the keys that the map can hold
	// ends with unix.EAGAIN: deletions started it over and over.
	Keys(err *error) iter.Seq[[]byte]

	// Entries iterates over the keys and values, in batches underneath, as far as they were there all the time. Both
	// slices are valid until the next step; a value of a per-CPU map is all CPUs', as in LookupBatch. When the loop
	// ends early because of an error, that is in *err. Elements that come or go meanwhile may be missed or come
	// twice, and end it with unix.EAGAIN as those of Keys do.
	Entries(err *error) iter.Seq2[[]byte, []byte]

	// LookupBatch reads elements from where cursor is and moves it on (bpf_map_lookup_batch, Linux 5.6). It fills keys
	// and values, which have room for the same number of elements, end to end, and returns how many it read: fewer
	// only at the end of the map, and 0 with [io.EOF] behind it. Elements that come or go meanwhile may be missed or
	// come twice, and end the walk with unix.EAGAIN as those of Keys do.
	//
	// A value of a per-CPU map has the values of all possible CPUs, each filled up to a multiple of eight bytes.
	//
	// Where the kernel has no batches for the map, this and the other batch operations go element by element, in one
	// call into C. A batch without elements does nothing.
	LookupBatch(cursor *MapCursor, keys, values []byte, flags MapFlags) (int, error)
	// LookupAndDeleteBatch is LookupBatch, and removes what it reads (bpf_map_lookup_and_delete_batch, Linux 5.6).
	// What did not fit into values is kept in the cursor for the next call, as it is in no map any more.
	LookupAndDeleteBatch(cursor *MapCursor, keys, values []byte, flags MapFlags) (int, error)
	// UpdateBatch sets elements, laid out as LookupBatch returns them, in order until one fails, and returns how many
	// it set (bpf_map_update_batch, Linux 5.6). The error is that of the one that failed, as Update gives it.
	UpdateBatch(keys, values []byte, flags MapFlags) (int, error)
	// DeleteBatch removes elements, in order until one fails, for one because it is not there: [ErrKeyNotExist]. It
	// returns how many it removed (bpf_map_delete_batch, Linux 5.6).
	DeleteBatch(keys []byte) (int, error)

	// Info asks the kernel for what it knows of the map (bpf_obj_get_info_by_fd, Linux 4.13).
	Info() (MapInfo, error)
	// FDInfo reads what /proc tells of the map's descriptor, its memory and whether it is frozen among it.
	FDInfo() (MapFDInfo, error)
	// Memory maps the content of an array that was created with [MMapable], as global data is, or of an arena, into
	// memory; the caller closes it (mmap, Linux 5.5, for arenas 6.9). A map that is frozen is mapped for reading only.
	// An arena has one address, in all processes: its Extra, or the one at which it was mapped first, as libbpf does with
	// an object's. That of an object ends with the object. Elsewhere it is errors.Is(err, unix.EBUSY). Touching a page of
	// an arena allocates it, unless the arena was created with [SegvOnFault].
	Memory() (*MapMemory, error)
	// Freeze makes the map read-only for user space, for good; programs can still write
	// (bpf_map_freeze, Linux 5.2).
	Freeze() error
	// Pin makes the map last under a path on a bpf file system.
	Pin(path string) error
	// PinIn is Pin under a path that is relative to a directory of a bpf file system, by the directory's descriptor, so that
	// the file system need not be mounted anywhere (bpf_obj_pin_opts, libbpf 1.3, Linux 6.5). Pin and Unpin know nothing
	// of it: remove it as a file.
	PinIn(directory int, path string) error
	// Unpin removes the pin, if it is this map's.
	Unpin(path string) error

	core() *mapCore
}

var (
	_ MapCore = (*Map)(nil)
	_ MapCore = (*MapHandle)(nil)
)

// mapCore is what [Map] and [MapHandle] have in common: a descriptor, the properties that never change, and the handle
// that keeps the descriptor open.
type mapCore struct {
	h    *handle.Handle
	fd   int
	name string
	typ  MapType

	keySize, valueSize, maxEntries uint32
	cpus                           int // of a per-CPU map: the number of possible CPUs; otherwise 0

	noBatch *atomic.Uint32 // the batchOps that the kernel does not have for this map

	// What operations on absent keys return, made in advance because a miss is an everyday result.
	missingLookup, missingUpdate, missingDelete, missingTake *Error
}

// closedMap stands for a nil *Map or *MapHandle.
var closedMap = mapCore{fd: -1}

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

func (m *mapCore) lookup(key []byte, flags MapFlags) ([]byte, error) {
	value := make([]byte, m.valueSize)
	if err := m.lookupInto(key, value, flags); err != nil {
		return nil, err
	}
	return value, nil
}

func (m *mapCore) lookupInto(key, value []byte, flags MapFlags) error {
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

func (m *mapCore) lookupBloomFilter(value []byte) (bool, error) {
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

func (m *mapCore) update(key, value []byte, flags MapFlags) error {
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

func (m *mapCore) delete(key []byte) error {
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

func (m *mapCore) lookupAndDelete(key []byte) ([]byte, error) {
	value := make([]byte, m.valueSize)
	if err := m.lookupAndDeleteInto(key, value); err != nil {
		return nil, err
	}
	return value, nil
}

func (m *mapCore) lookupAndDeleteInto(key, value []byte) error {
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

func (m *mapCore) lookupPerCPU(key []byte, flags MapFlags) ([][]byte, error) {
	image := make([]byte, m.elementSize())
	if err := m.lookupPerCPUInto(key, image, flags); err != nil {
		return nil, err
	}
	return m.perCPUValues(image), nil
}

func (m *mapCore) lookupPerCPUInto(key, values []byte, flags MapFlags) error {
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

func (m *mapCore) lookupAndDeletePerCPU(key []byte) ([][]byte, error) {
	image := make([]byte, m.elementSize())
	if err := m.lookupAndDeletePerCPUInto(key, image); err != nil {
		return nil, err
	}
	return m.perCPUValues(image), nil
}

func (m *mapCore) lookupAndDeletePerCPUInto(key, values []byte) error {
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

func (m *mapCore) updatePerCPU(key []byte, values [][]byte, flags MapFlags) error {
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
	return m.updatePerCPUFrom(key, image, flags)
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

func (m *mapCore) updatePerCPUFrom(key, values []byte, flags MapFlags) error {
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

// currentFD is the fd for those who ask, -1 once closed.
func (m *mapCore) currentFD() int {
	if m.h.Acquire() != nil {
		return -1
	}
	defer m.h.Drop()
	return m.fd
}
