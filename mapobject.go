package libbpf

/*
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
*/
import "C"

import (
	"fmt"
	"os"
)

// Map is a map of an [Object], in the kernel. It is a view: the Object owns the map, and after its Close every operation
// returns [ErrClosed]. [MapHandleFrom] makes a handle that lives on by itself.
type Map struct {
	mapCore
	o   *Object
	ptr *C.struct_bpf_map

	keyTypeID, valueTypeID uint32
	definedPin             string // where the definition has it pinned, or ""
	autoattach             bool   // of a struct_ops
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
		mapCore: core, o: o, ptr: m,
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

// KeyTypeID is the key's type in the object's BTF, 0 where it is not known (bpf_map__btf_key_type_id).
func (m *Map) KeyTypeID() uint32 {
	return m.keyTypeID
}

// ValueTypeID is the value's type in the object's BTF, 0 where it is not known (bpf_map__btf_value_type_id).
func (m *Map) ValueTypeID() uint32 {
	return m.valueTypeID
}

// use runs one call into libbpf that may print, or change the object.
func (m *Map) use(op string, f func() error) error {
	return m.o.use(op, fmt.Sprintf("map %q", m.name), f)
}
