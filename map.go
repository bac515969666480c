package libbpf

import (
	"bytes"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// OpenMap is the definition of a map of an [OpenObject], before Load. It can still be changed. It is a view: the
// OpenObject owns the definition, and decides when it can be used.
type OpenMap struct {
	o    *OpenObject
	ptr  *cMap
	name string

	arena        arenaGlobals
	recordTypeID btf.TypeID
	inner        *innerMap // set when Load begins
}

// String is such as `map "counts"`.
func (m *OpenMap) String() string { return fmt.Sprintf("map %q", m.Name()) }

// Name is the map's name. For global data it is a name such as "prog.bss", or the name of a custom section.
func (m *OpenMap) Name() string {
	if m == nil {
		return ""
	}
	return m.name
}

func (m *OpenMap) use(op string, f func() error) error {
	if m == nil {
		return &Error{Op: op, Object: "map", Err: ErrClosed}
	}
	return m.o.use(op, fmt.Sprintf("map %q", m.name), f)
}

// openMapGet asks libbpf for a property.
func openMapGet[T any](m *OpenMap, property string, get func() T) (T, error) {
	var value T
	err := m.use("get "+property+" of", func() error {
		value = get()
		return nil
	})
	return value, err
}

// set runs one of libbpf's setters.
func (m *OpenMap) set(property string, set func() cInt) error {
	return m.use("set "+property+" of", func() error { return clib.FromRet(int(set())) })
}

// Type is the map's kind (bpf_map__type).
func (m *OpenMap) Type() (MapType, error) {
	return openMapGet(m, "type", m.typ)
}

// SetType changes the map's kind (bpf_map__set_type). The type of global data can't change, and a map can't become, or
// stop being, a struct_ops: the error is [ErrInvalid].
func (m *OpenMap) SetType(t MapType) error {
	return m.use("set type of", func() error {
		if m.isStructOps() != (t == MapTypeStructOps) {
			return fault.Invalidf("a map can't become, or stop being, a struct_ops")
		}
		if m.hasMemory() && t != m.typ() {
			return errKeepsMemory
		}
		return clib.FromRet(int(setMapType(m.ptr, t)))
	})
}

func (m *OpenMap) typ() MapType { return mapType(m.ptr) }

func (m *OpenMap) isStructOps() bool { return m.typ() == MapTypeStructOps }

// hasMemory tells whether libbpf keeps memory for the map's initial content. libbpf computes that memory's size from
// the definition whenever it uses or frees the memory, so the definition must not change without it.
func (m *OpenMap) hasMemory() bool {
	return m.isStructOps() || m.initialValue() != nil || m.typ() == MapTypeArena
}

var errKeepsMemory = fault.Invalidf("the map has initial content, so its type and sizes can't change")

// KeySize is the length of a key in bytes (bpf_map__key_size).
func (m *OpenMap) KeySize() (uint32, error) {
	return openMapGet(m, "key size", func() uint32 { return mapKeySize(m.ptr) })
}

// SetKeySize changes the length of a key in bytes (bpf_map__set_key_size).
func (m *OpenMap) SetKeySize(size uint32) error {
	return m.set("key size", func() cInt { return setMapKeySize(m.ptr, size) })
}

// ValueSize is the length of a value in bytes (bpf_map__value_size).
func (m *OpenMap) ValueSize() (uint32, error) {
	return openMapGet(m, "value size", func() uint32 { return mapValueSize(m.ptr) })
}

// SetValueSize changes the length of a value in bytes (bpf_map__set_value_size). The map then has no types for its keys
// and values, because its definition's do not fit. For global data it resizes the section, whose last variable must be
// an array; errors.Is(err, [errors.ErrUnsupported]) for global data before libbpf 1.3.
func (m *OpenMap) SetValueSize(size uint32) error {
	return m.use("set value size of", func() error {
		if m.isStructOps() || m.typ() == MapTypeArena {
			return errKeepsMemory
		}
		if m.initialValue() != nil {
			// An older libbpf takes the new size, but does not resize the memory.
			if err := needs("bpf_map__set_value_size of global data", 1, 3); err != nil {
				return err
			}
		}
		resized := size != mapValueSize(m.ptr) && m.initialValue() == nil
		if err := clib.FromRet(int(setMapValueSize(m.ptr, size))); err != nil {
			return err
		}
		if resized {
			clib.ForgetTypes(unsafe.Pointer(m.ptr))
		}
		m.o.forgetTypes() // libbpf gave the last variable a new type
		return nil
	})
}

// MaxEntries is how many elements the map will hold (bpf_map__max_entries).
func (m *OpenMap) MaxEntries() (uint32, error) {
	return openMapGet(m, "max entries", func() uint32 { return mapMaxEntries(m.ptr) })
}

// SetMaxEntries changes how many elements the map will hold. For a ring buffer it is the size in bytes, which libbpf
// rounds up to a power of two of pages (bpf_map__set_max_entries). For global data it must be 1; otherwise the error is
// [ErrInvalid].
func (m *OpenMap) SetMaxEntries(n uint32) error {
	return m.use("set max entries of", func() error {
		// An arena can grow: libbpf has placed its initial content already.
		now := mapMaxEntries(m.ptr)
		if m.hasMemory() && n != now && (m.typ() != MapTypeArena || n < now) {
			return errKeepsMemory
		}
		return clib.FromRet(int(setMapMaxEntries(m.ptr, n)))
	})
}

// Flags are the flags that the map will be created with (bpf_map__map_flags).
func (m *OpenMap) Flags() (MapCreateFlags, error) {
	return openMapGet(m, "flags", func() MapCreateFlags { return mapFlags(m.ptr) })
}

// SetFlags replaces the flags that the map will be created with (bpf_map__set_map_flags).
func (m *OpenMap) SetFlags(flags MapCreateFlags) error {
	return m.set("flags", func() cInt { return setMapFlags(m.ptr, flags) })
}

// Extra is a number whose meaning depends on the map's type, such as the number of hash functions of a bloom filter
// (bpf_map__map_extra).
func (m *OpenMap) Extra() (uint64, error) {
	return openMapGet(m, "extra", func() uint64 { return mapExtra(m.ptr) })
}

// SetExtra changes Extra (bpf_map__set_map_extra).
func (m *OpenMap) SetExtra(extra uint64) error {
	return m.set("extra", func() cInt { return setMapExtra(m.ptr, extra) })
}

// NUMANode is the NUMA node on which the kernel will allocate the map, if its flags have [CreateNUMANode]
// (bpf_map__numa_node).
func (m *OpenMap) NUMANode() (uint32, error) {
	return openMapGet(m, "NUMA node", func() uint32 { return mapNUMANode(m.ptr) })
}

// SetNUMANode changes NUMANode (bpf_map__set_numa_node). It also sets the flag [CreateNUMANode]; without the flag, the
// kernel ignores the node.
func (m *OpenMap) SetNUMANode(node uint32) error {
	return m.set("NUMA node", func() cInt {
		if ret := setMapFlags(m.ptr, mapFlags(m.ptr)|CreateNUMANode); ret < 0 {
			return ret
		}
		return setMapNUMANode(m.ptr, node)
	})
}

// IfIndex is the network device that the map is offloaded to, 0 for none (bpf_map__ifindex).
func (m *OpenMap) IfIndex() (uint32, error) {
	return openMapGet(m, "ifindex", func() uint32 { return mapIfIndex(m.ptr) })
}

// SetIfIndex offloads the map to a network device (bpf_map__set_ifindex).
func (m *OpenMap) SetIfIndex(index uint32) error {
	return m.set("ifindex", func() cInt { return setMapIfIndex(m.ptr, index) })
}

// KeyTypeID is the key's type in the object's BTF, 0 where it is not known (bpf_map__btf_key_type_id).
func (m *OpenMap) KeyTypeID() (btf.TypeID, error) {
	return openMapGet(m, "key type", func() btf.TypeID { return mapKeyTypeID(m.ptr) })
}

// ValueTypeID is the value's type in the object's BTF, 0 where it is not known (bpf_map__btf_value_type_id).
func (m *OpenMap) ValueTypeID() (btf.TypeID, error) {
	return openMapGet(m, "value type", func() btf.TypeID { return mapValueTypeID(m.ptr) })
}

// Autocreate tells whether Load will create the map (bpf_map__autocreate).
func (m *OpenMap) Autocreate() (bool, error) {
	return openMapGet(m, "autocreate", func() bool { return mapAutocreate(m.ptr) })
}

// SetAutocreate decides whether Load creates the map (bpf_map__set_autocreate). The kernel rejects a program that uses
// a map that was not created, unless the verifier proves that this code is never reached.
func (m *OpenMap) SetAutocreate(on bool) error {
	return m.set("autocreate", func() cInt { return setMapAutocreate(m.ptr, on) })
}

// Autoattach tells whether [Object.Attach] will attach a struct_ops map (bpf_map__autoattach).
func (m *OpenMap) Autoattach() (bool, error) {
	return openMapGet(m, "autoattach", m.autoattach)
}

func (m *OpenMap) autoattach() bool { return mapAutoattach(m.ptr) }

// SetAutoattach decides whether [Object.Attach] attaches a struct_ops map (bpf_map__set_autoattach). errors.Is(err,
// [errors.ErrUnsupported]) before libbpf 1.5.
func (m *OpenMap) SetAutoattach(on bool) error {
	return m.use("set autoattach of", func() error {
		if err := needs("bpf_map__set_autoattach", 1, 5); err != nil {
			return err
		}
		return clib.FromRet(int(setMapAutoattach(m.ptr, on)))
	})
}

// SetExclusiveProgram makes p the only program that can use the map (bpf_map__set_exclusive_program, Linux 6.18). p
// must be of the same object; otherwise the error is [ErrInvalid]. errors.Is(err, [errors.ErrUnsupported]) before
// libbpf 1.7.
func (m *OpenMap) SetExclusiveProgram(p *OpenProgram) error {
	return m.use("set exclusive program of", func() error {
		if p == nil || p.o != m.o {
			return fault.Invalidf("the program must be of the same object")
		}
		if err := needs("bpf_map__set_exclusive_program", 1, 7); err != nil {
			return err
		}
		return clib.FromRet(int(setMapExclusiveProgram(m.ptr, p.ptr)))
	})
}

// ExclusiveProgram is the only program that will be able to use the map, or nil if all programs will
// (bpf_map__exclusive_program).
func (m *OpenMap) ExclusiveProgram() (*OpenProgram, error) {
	return openMapGet(m, "exclusive program", func() *OpenProgram {
		program := mapExclusiveProgram(m.ptr)
		for _, p := range m.o.programs {
			if p.ptr == program {
				return p
			}
		}
		return nil
	})
}

// IsInternal tells whether libbpf made the map for global data; false for a map that the object defines
// (bpf_map__is_internal).
func (m *OpenMap) IsInternal() (bool, error) {
	return openMapGet(m, "origin", m.isInternal)
}

func (m *OpenMap) isInternal() bool { return mapIsInternal(m.ptr) }

// PinPath is the path at which Load will pin the map, or find it pinned; "" for none (bpf_map__pin_path).
func (m *OpenMap) PinPath() (string, error) {
	return openMapGet(m, "pin path", m.pinPath)
}

func (m *OpenMap) pinPath() string { return mapPinPath(m.ptr) }

// SetPinPath makes Load pin the map at path (bpf_map__set_pin_path). If a map is pinned there already, Load uses that
// map; its type, sizes and flags must be the same. "" undoes it.
func (m *OpenMap) SetPinPath(path string) error {
	return m.use("set pin path of", func() error {
		return withOptional("path", path, func(p cString) cInt { return setMapPinPath(m.ptr, p) })
	})
}

// InitialValue returns a copy of the content that a map of global data will start with, or nil for other maps
// (bpf_map__initial_value).
func (m *OpenMap) InitialValue() ([]byte, error) {
	return openMapGet(m, "initial value", func() []byte { return bytes.Clone(m.initialValue()) })
}

// initialValue is libbpf's own memory. It is nil for a struct_ops, whose memory holds pointers of libbpf.
func (m *OpenMap) initialValue() []byte {
	if m.isStructOps() {
		return nil
	}
	return m.memory()
}

// memory is libbpf's memory for what is in the map at first, or nil.
func (m *OpenMap) memory() []byte { return mapInitialValue(m.ptr) }

// SetInitialValue replaces the content that a map of global data will start with (bpf_map__set_initial_value). data
// must have its exact length; otherwise the error is [ErrInvalid]. To set one variable, use [OpenObject.SetGlobal].
func (m *OpenMap) SetInitialValue(data []byte) error {
	return m.use("set initial value of", func() error {
		value := m.initialValue()
		if value == nil {
			return fault.Invalidf("the map has no initial value, because it does not hold global data")
		}
		if len(data) != len(value) {
			return fault.Invalidf("value has %d bytes and must have %d", len(data), len(value))
		}
		copy(value, data)
		return nil
	})
}

// Definition is what the map will be created as.
func (m *OpenMap) Definition() (MapDefinition, error) {
	return openMapGet(m, "definition", m.definition)
}

func (m *OpenMap) definition() MapDefinition { return definitionOf(m.ptr) }

func definitionOf(m *cMap) MapDefinition {
	return MapDefinition{
		Name:       nameOfMap(m),
		Type:       mapType(m),
		KeySize:    mapKeySize(m),
		ValueSize:  mapValueSize(m),
		MaxEntries: mapMaxEntries(m),
		Flags:      mapFlags(m),
		Extra:      mapExtra(m),
		NUMANode:   mapNUMANode(m),
	}
}

// InnerMap is the template of the maps that this map of maps will hold, as the object defines it (bpf_map__inner_map).
// errors.Is(err, [ErrNotFound]) when the object defines none, or SetInnerMap has replaced it. libbpf can't change the
// template itself: create a map, and call SetInnerMap with it.
func (m *OpenMap) InnerMap() (MapDefinition, error) {
	var d MapDefinition
	err := m.use("get inner map of", func() error {
		if !m.typ().IsMapInMap() {
			return errNoMapOfMaps(m.typ())
		}
		inner := mapInnerMap(m.ptr)
		if inner == nil {
			return errNoInnerMap
		}
		d = definitionOf(inner)
		return nil
	})
	return d, err
}

// SetInnerMap makes inner the template of the maps that this map of maps will hold: they must have its type and sizes
// (bpf_map__set_inner_map_fd). Load reads the template. SetInnerMap duplicates the descriptor, so inner can be closed
// before Load.
func (m *OpenMap) SetInnerMap(inner MapCore) error {
	const op = "set inner map of"
	if m == nil {
		return m.use(op, nil)
	}
	fd, err := dupMapFD(inner)
	if err != nil {
		return &Error{Op: op, Object: fmt.Sprintf("map %q", m.name), Err: err}
	}
	owned := false
	defer func() {
		if !owned {
			_ = unix.Close(fd)
		}
	}()
	return m.use(op, func() error {
		if err := clib.FromRet(int(setMapInnerMap(m.ptr, fd))); err != nil {
			return err
		}
		m.o.lentFDs = append(m.o.lentFDs, fd)
		owned = true
		return nil
	})
}

// Reuse makes Load use an existing map instead of creating one (bpf_map__reuse_fd). The existing map's properties
// replace this definition. Reuse duplicates the descriptor; the existing map remains the caller's. Global data can only
// reuse a map of the same type and sizes, and a struct_ops can't reuse a map: the error is [ErrInvalid].
func (m *OpenMap) Reuse(existing MapCore) error {
	const op = "reuse a map for"
	if m == nil {
		return m.use(op, nil)
	}
	c, err := coreOf(existing)
	if err == nil {
		err = c.h.Acquire()
	}
	if err != nil {
		return &Error{Op: op, Object: fmt.Sprintf("map %q", m.name), Err: err}
	}
	defer c.h.Drop()
	return m.use(op, func() error {
		if m.isStructOps() || c.typ == MapTypeStructOps {
			return errKeepsMemory
		}
		if m.hasMemory() && (c.typ != m.typ() || c.valueSize != mapValueSize(m.ptr) ||
			c.maxEntries != mapMaxEntries(m.ptr)) {
			return errKeepsMemory
		}
		return clib.FromRet(int(reuseMap(m.ptr, c.fd)))
	})
}

// ReusePinned makes Load use the map that is pinned at path instead of creating one, as Reuse does. errors.Is(err,
// [os.ErrNotExist]) when nothing is pinned there.
func (m *OpenMap) ReusePinned(path string) error {
	if err := m.use("reuse a map for", func() error { return nil }); err != nil {
		return err
	}
	pinned, err := MapHandleFromPinnedPath(path)
	if err != nil {
		return err
	}
	defer pinned.Close()
	return m.Reuse(pinned)
}

// Map is a map of an [Object], in the kernel. It is a view: the Object owns the map, and after the Object's Close every
// operation returns [ErrClosed]. To keep a map longer, make a handle of it with [MapHandleFrom].
type Map struct {
	mapCore
	o   *Object
	ptr *cMap

	keyTypeID, valueTypeID btf.TypeID
	recordTypeID           btf.TypeID
	definedPin             string // the pin path of the definition, or ""
	autoattach             bool   // of a struct_ops
	globals                int    // in an arena: the offset of the global variables, in bytes
	inner                  *innerMap
}

func newMap(o *Object, from *OpenMap) (*Map, error) {
	m := from.ptr
	fd := -1
	if mapAutocreate(m) {
		fd = mapFD(m)
	}
	maxEntries := mapMaxEntries(m)
	if mapFlags(m)&CreateNoCommonLRU != 0 {
		if info, err := mapInfo(fd); err == nil {
			maxEntries = info.MaxEntries // the kernel rounds the size of per-CPU LRU lists up
		}
	}
	core, err := newMapCore(o.h, fd, MapInfo{
		Name: from.name, Type: mapType(m), KeySize: mapKeySize(m),
		ValueSize: mapValueSize(m), MaxEntries: maxEntries, IfIndex: mapIfIndex(m),
	})
	if err != nil {
		return nil, err
	}
	loaded := &Map{
		mapCore: core, o: o, ptr: m,
		keyTypeID:    mapKeyTypeID(m),
		valueTypeID:  mapValueTypeID(m),
		recordTypeID: from.recordTypeID,
		definedPin:   mapPinPath(m),
		autoattach:   from.autoattach(),
		inner:        from.inner,
	}
	if core.typ == MapTypeArena && fd >= 0 {
		loaded.setArena(from, uintptr(os.Getpagesize())*uintptr(core.maxEntries))
	}
	return loaded, nil
}

// KeyTypeID is the key's type in the object's BTF, 0 where it is not known (bpf_map__btf_key_type_id).
func (m *Map) KeyTypeID() btf.TypeID {
	return m.keyTypeID
}

// ValueTypeID is the value's type in the object's BTF, 0 where it is not known (bpf_map__btf_value_type_id).
func (m *Map) ValueTypeID() btf.TypeID {
	return m.valueTypeID
}

// use runs a call into libbpf that may print, or change the object.
func (m *Map) use(op string, f func() error) error {
	return m.o.use(op, fmt.Sprintf("map %q", m.name), f)
}
