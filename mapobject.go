package libbpf

/*
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
*/
import "C"

import (
	"fmt"
	"iter"
	"os"
)

// Map is a map of an [Object], in the kernel. It is a view: the Object owns the map, and after its Close every operation
// returns [ErrClosed]. [MapHandleFrom] makes a handle that lives on by itself.
type Map struct {
	c   mapCore
	o   *Object
	ptr *C.struct_bpf_map

	keyTypeID, valueTypeID uint32
	definedPin             string // where the definition has it pinned, or ""
	autoattach             bool   // of a struct_ops
	arena                  *arena // nil where libbpf has not mapped it
	globals                int    // where the global variables of an arena begin in it, in bytes
}

func newMap(o *Object, from *OpenMap) (*Map, error) {
	m := from.ptr
	fd := -1
	if C.bpf_map__autocreate(m) {
		fd = int(C.bpf_map__fd(m))
	}
	maxEntries := uint32(C.bpf_map__max_entries(m))
	if info, err := mapInfo(fd); err == nil {
		maxEntries = info.MaxEntries // of LRU tables the kernel makes more, to have as many for each CPU
	}
	core, err := newMapCore(o.h, fd, MapInfo{
		Name: from.name, Type: MapType(C.bpf_map__type(m)), KeySize: uint32(C.bpf_map__key_size(m)),
		ValueSize: uint32(C.bpf_map__value_size(m)), MaxEntries: maxEntries, IfIndex: uint32(C.bpf_map__ifindex(m)),
	})
	if err != nil {
		return nil, err
	}
	loaded := &Map{
		c: core, o: o, ptr: m,
		keyTypeID:   uint32(C.bpf_map__btf_key_type_id(m)),
		valueTypeID: uint32(C.bpf_map__btf_value_type_id(m)),
		definedPin:  C.GoString(C.bpf_map__pin_path(m)),
		autoattach:  from.autoattach(),
	}
	if core.typ == MapTypeArena && fd >= 0 {
		loaded.setArena(from, uintptr(os.Getpagesize())*uintptr(core.maxEntries))
	}
	return loaded, nil
}

func (m *Map) core() *mapCore {
	if m == nil {
		return &closedMap
	}
	return &m.c
}

// KeyTypeID is the key's type in the object's BTF, 0 where it is not known (bpf_map__btf_key_type_id).
func (m *Map) KeyTypeID() uint32 {
	if m == nil {
		return 0
	}
	return m.keyTypeID
}

// ValueTypeID is the value's type in the object's BTF, 0 where it is not known (bpf_map__btf_value_type_id).
func (m *Map) ValueTypeID() uint32 {
	if m == nil {
		return 0
	}
	return m.valueTypeID
}

// use runs one call into libbpf that may print, or change the object.
func (m *Map) use(op string, f func() error) error {
	if m == nil {
		return &Error{Op: op, Object: "map", Err: ErrClosed}
	}
	return m.o.use(op, fmt.Sprintf("map %q", m.c.name), f)
}

// Name is as in [MapCore].
func (m *Map) Name() string { return m.core().name }

// Type is as in [MapCore].
func (m *Map) Type() MapType { return m.core().typ }

// KeySize is as in [MapCore].
func (m *Map) KeySize() uint32 { return m.core().keySize }

// ValueSize is as in [MapCore].
func (m *Map) ValueSize() uint32 { return m.core().valueSize }

// MaxEntries is as in [MapCore].
func (m *Map) MaxEntries() uint32 { return m.core().maxEntries }

// FD is as in [MapCore].
func (m *Map) FD() int { return m.core().currentFD() }

// Lookup is as in [MapCore].
func (m *Map) Lookup(key []byte, flags MapFlags) ([]byte, error) { return m.core().lookup(key, flags) }

// LookupInto is as in [MapCore].
func (m *Map) LookupInto(key, value []byte, flags MapFlags) error {
	return m.core().lookupInto(key, value, flags)
}

// LookupPerCPU is as in [MapCore].
func (m *Map) LookupPerCPU(key []byte, flags MapFlags) ([][]byte, error) {
	return m.core().lookupPerCPU(key, flags)
}

// LookupPerCPUInto is as in [MapCore].
func (m *Map) LookupPerCPUInto(key, values []byte, flags MapFlags) error {
	return m.core().lookupPerCPUInto(key, values, flags)
}

// LookupMany is as in [MapCore].
func (m *Map) LookupMany(keys, values []byte, found []bool, flags MapFlags) (int, error) {
	return m.core().lookupMany(keys, values, found, flags)
}

// LookupBloomFilter is as in [MapCore].
func (m *Map) LookupBloomFilter(value []byte) (bool, error) { return m.core().lookupBloomFilter(value) }

// Update is as in [MapCore].
func (m *Map) Update(key, value []byte, flags MapFlags) error {
	return m.core().update(key, value, flags)
}

// UpdatePerCPU is as in [MapCore].
func (m *Map) UpdatePerCPU(key []byte, values [][]byte, flags MapFlags) error {
	return m.core().updatePerCPU(key, values, flags)
}

// UpdatePerCPUFrom is as in [MapCore].
func (m *Map) UpdatePerCPUFrom(key, values []byte, flags MapFlags) error {
	return m.core().updatePerCPUFrom(key, values, flags)
}

// Delete is as in [MapCore].
func (m *Map) Delete(key []byte) error { return m.core().delete(key) }

// LookupAndDelete is as in [MapCore].
func (m *Map) LookupAndDelete(key []byte) ([]byte, error) { return m.core().lookupAndDelete(key) }

// LookupAndDeleteInto is as in [MapCore].
func (m *Map) LookupAndDeleteInto(key, value []byte) error {
	return m.core().lookupAndDeleteInto(key, value)
}

// LookupAndDeletePerCPU is as in [MapCore].
func (m *Map) LookupAndDeletePerCPU(key []byte) ([][]byte, error) {
	return m.core().lookupAndDeletePerCPU(key)
}

// LookupAndDeletePerCPUInto is as in [MapCore].
func (m *Map) LookupAndDeletePerCPUInto(key, values []byte) error {
	return m.core().lookupAndDeletePerCPUInto(key, values)
}

// Keys is as in [MapCore].
func (m *Map) Keys(err *error) iter.Seq[[]byte] { return m.core().keys(err) }

// Entries is as in [MapCore].
func (m *Map) Entries(err *error) iter.Seq2[[]byte, []byte] { return m.core().entries(err) }

// LookupBatch is as in [MapCore].
func (m *Map) LookupBatch(cursor *MapCursor, keys, values []byte, flags MapFlags) (int, error) {
	return m.core().lookupBatch(cursor, keys, values, flags, false)
}

// LookupAndDeleteBatch is as in [MapCore].
func (m *Map) LookupAndDeleteBatch(cursor *MapCursor, keys, values []byte, flags MapFlags) (int, error) {
	return m.core().lookupBatch(cursor, keys, values, flags, true)
}

// UpdateBatch is as in [MapCore].
func (m *Map) UpdateBatch(keys, values []byte, flags MapFlags) (int, error) {
	return m.core().updateBatch(keys, values, flags)
}

// DeleteBatch is as in [MapCore].
func (m *Map) DeleteBatch(keys []byte) (int, error) { return m.core().deleteBatch(keys) }

// Info is as in [MapCore].
func (m *Map) Info() (MapInfo, error) { return m.core().info() }

// FDInfo is as in [MapCore].
func (m *Map) FDInfo() (MapFDInfo, error) { return m.core().fdInfo() }

// Memory is as in [MapCore].
func (m *Map) Memory() (*MapMemory, error) {
	if m != nil && m.arena != nil {
		return m.arena.mapMemory(m.core())
	}
	return m.core().mapMemory()
}

// Freeze is as in [MapCore].
func (m *Map) Freeze() error { return m.core().freeze() }
