package libbpf

/*
#include <bpf/libbpf.h>
#include <bpf/bpf.h>

// Where libbpf has no such functions, a map of struct_ops is always attached, and Go does not call the setter.
static bool lbg_map_autoattach(const struct bpf_map *map)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return bpf_map__autoattach(map);
#else
	(void)map;
	return true;
#endif
}

static int lbg_map_set_autoattach(struct bpf_map *map, bool on)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return bpf_map__set_autoattach(map, on);
#else
	(void)map;
	(void)on;
	return 0;
#endif
}

static int lbg_map_set_exclusive_program(struct bpf_map *map, struct bpf_program *prog)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 7
	return bpf_map__set_exclusive_program(map, prog);
#else
	(void)map;
	(void)prog;
	return 0;
#endif
}

static struct bpf_program *lbg_map_exclusive_program(struct bpf_map *map)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 7
	return bpf_map__exclusive_program(map);
#else
	(void)map;
	return NULL;
#endif
}
*/
import "C"

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

// OpenMap is a map of an [OpenObject]: its definition, which may still be changed. It is a view; the OpenObject owns
// the definition, and says when it may be used.
type OpenMap struct {
	o    *OpenObject
	ptr  *C.struct_bpf_map
	name string

	arena arenaGlobals
}

// String is such as `map "counts"`.
func (m *OpenMap) String() string { return fmt.Sprintf("map %q", m.Name()) }

// Name is the map's name; for global data it is such as "prog.bss", or the name of a custom section.
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
func (m *OpenMap) set(property string, set func() C.int) error {
	return m.use("set "+property+" of", func() error { return clib.FromRet(int(set())) })
}

// Type is the map's kind (bpf_map__type).
func (m *OpenMap) Type() (MapType, error) {
	return openMapGet(m, "type", m.typ)
}

// SetType changes the map's kind (bpf_map__set_type). Global data keeps its kind, and a map is a struct_ops by its
// definition or not at all: [ErrInvalid].
func (m *OpenMap) SetType(t MapType) error {
	return m.use("set type of", func() error {
		if m.isStructOps() != (t == MapTypeStructOps) {
			return fault.Invalidf("only a map that is defined as a struct_ops has that type, and it keeps it")
		}
		if m.hasMemory() && t != m.typ() {
			return errKeepsMemory
		}
		return clib.FromRet(int(C.bpf_map__set_type(m.ptr, uint32(t))))
	})
}

func (m *OpenMap) typ() MapType { return MapType(C.bpf_map__type(m.ptr)) }

func (m *OpenMap) isStructOps() bool { return m.typ() == MapTypeStructOps }

// hasMemory tells whether libbpf keeps memory for the map's initial content. It takes that memory's size from the
// definition whenever it touches or frees it, so the definition must not change without the memory.
func (m *OpenMap) hasMemory() bool {
	return m.isStructOps() || m.initialValue() != nil || m.typ() == MapTypeArena
}

var errKeepsMemory = fault.Invalidf("the map has an initial content, which must fit: its type and sizes stay as they are")

// KeySize is the length of a key in bytes (bpf_map__key_size).
func (m *OpenMap) KeySize() (uint32, error) {
	return openMapGet(m, "key size", func() uint32 { return uint32(C.bpf_map__key_size(m.ptr)) })
}

// SetKeySize changes the length of a key in bytes (bpf_map__set_key_size).
func (m *OpenMap) SetKeySize(size uint32) error {
	return m.set("key size", func() C.int { return C.bpf_map__set_key_size(m.ptr, C.__u32(size)) })
}

// ValueSize is the length of a value in bytes (bpf_map__value_size).
func (m *OpenMap) ValueSize() (uint32, error) {
	return openMapGet(m, "value size", func() uint32 { return uint32(C.bpf_map__value_size(m.ptr)) })
}

// SetValueSize changes the length of a value in bytes (bpf_map__set_value_size). For global data it resizes the section,
// whose last variable must be an array; errors.Is(err, [errors.ErrUnsupported]) before libbpf 1.3.
func (m *OpenMap) SetValueSize(size uint32) error {
	return m.use("set value size of", func() error {
		if m.isStructOps() || m.typ() == MapTypeArena {
			return errKeepsMemory
		}
		if m.initialValue() != nil {
			// An older one would believe in the new size, and leave the memory as it is.
			if err := needs("bpf_map__set_value_size of global data", 1, 3); err != nil {
				return err
			}
		}
		if err := clib.FromRet(int(C.bpf_map__set_value_size(m.ptr, C.__u32(size)))); err != nil {
			return err
		}
		m.o.forgetTypes() // libbpf gives the last variable a new type
		return nil
	})
}

// MaxEntries is how many elements the map will hold (bpf_map__max_entries).
func (m *OpenMap) MaxEntries() (uint32, error) {
	return openMapGet(m, "max entries", func() uint32 { return uint32(C.bpf_map__max_entries(m.ptr)) })
}

// SetMaxEntries changes how many elements the map will hold; for ring buffers the size in bytes, which libbpf rounds up
// to a power of two of pages (bpf_map__set_max_entries). That of global data is 1: [ErrInvalid] for anything else.
func (m *OpenMap) SetMaxEntries(n uint32) error {
	return m.use("set max entries of", func() error {
		// An arena can grow: what it starts with has been placed by then.
		now := uint32(C.bpf_map__max_entries(m.ptr))
		if m.hasMemory() && n != now && (m.typ() != MapTypeArena || n < now) {
			return errKeepsMemory
		}
		return clib.FromRet(int(C.bpf_map__set_max_entries(m.ptr, C.__u32(n))))
	})
}

// Flags are the flags that the map will be created with (bpf_map__map_flags).
func (m *OpenMap) Flags() (MapCreateFlags, error) {
	return openMapGet(m, "flags", func() MapCreateFlags { return MapCreateFlags(C.bpf_map__map_flags(m.ptr)) })
}

// SetFlags replaces the flags that the map will be created with (bpf_map__set_map_flags).
func (m *OpenMap) SetFlags(flags MapCreateFlags) error {
	return m.set("flags", func() C.int { return C.bpf_map__set_map_flags(m.ptr, C.__u32(flags)) })
}

// Extra is the number whose meaning depends on the map's type, such as a bloom filter's hash functions
// (bpf_map__map_extra).
func (m *OpenMap) Extra() (uint64, error) {
	return openMapGet(m, "extra", func() uint64 { return uint64(C.bpf_map__map_extra(m.ptr)) })
}

// SetExtra changes Extra (bpf_map__set_map_extra).
func (m *OpenMap) SetExtra(extra uint64) error {
	return m.set("extra", func() C.int { return C.bpf_map__set_map_extra(m.ptr, C.__u64(extra)) })
}

// NUMANode is the node whose memory the map will be allocated on, if its flags have [CreateNUMANode] (bpf_map__numa_node).
func (m *OpenMap) NUMANode() (uint32, error) {
	return openMapGet(m, "NUMA node", func() uint32 { return uint32(C.bpf_map__numa_node(m.ptr)) })
}

// SetNUMANode changes NUMANode, and sets the flag [CreateNUMANode], without which the kernel does not look at it
// (bpf_map__set_numa_node).
func (m *OpenMap) SetNUMANode(node uint32) error {
	return m.set("NUMA node", func() C.int {
		if ret := C.bpf_map__set_map_flags(m.ptr, C.bpf_map__map_flags(m.ptr)|C.__u32(CreateNUMANode)); ret < 0 {
			return ret
		}
		return C.bpf_map__set_numa_node(m.ptr, C.__u32(node))
	})
}

// IfIndex is the network device that the map is offloaded to, 0 for none (bpf_map__ifindex).
func (m *OpenMap) IfIndex() (uint32, error) {
	return openMapGet(m, "ifindex", func() uint32 { return uint32(C.bpf_map__ifindex(m.ptr)) })
}

// SetIfIndex offloads the map to a network device (bpf_map__set_ifindex).
func (m *OpenMap) SetIfIndex(index uint32) error {
	return m.set("ifindex", func() C.int { return C.bpf_map__set_ifindex(m.ptr, C.__u32(index)) })
}

// KeyTypeID is the key's type in the object's BTF, 0 where it is not known (bpf_map__btf_key_type_id).
func (m *OpenMap) KeyTypeID() (btf.TypeID, error) {
	return openMapGet(m, "key type", func() btf.TypeID { return btf.TypeID(C.bpf_map__btf_key_type_id(m.ptr)) })
}

// ValueTypeID is the value's type in the object's BTF, 0 where it is not known (bpf_map__btf_value_type_id).
func (m *OpenMap) ValueTypeID() (btf.TypeID, error) {
	return openMapGet(m, "value type", func() btf.TypeID { return btf.TypeID(C.bpf_map__btf_value_type_id(m.ptr)) })
}

// Autocreate tells whether Load will create the map (bpf_map__autocreate).
func (m *OpenMap) Autocreate() (bool, error) {
	return openMapGet(m, "autocreate", func() bool { return bool(C.bpf_map__autocreate(m.ptr)) })
}

// SetAutocreate makes Load create the map, or not; a program that uses a map that was not created is rejected unless it
// can't reach that use (bpf_map__set_autocreate).
func (m *OpenMap) SetAutocreate(on bool) error {
	return m.set("autocreate", func() C.int { return C.bpf_map__set_autocreate(m.ptr, C.bool(on)) })
}

// Autoattach tells whether [Object.Attach] will attach the map, if it is a struct_ops (bpf_map__autoattach).
func (m *OpenMap) Autoattach() (bool, error) {
	return openMapGet(m, "autoattach", m.autoattach)
}

func (m *OpenMap) autoattach() bool { return bool(C.lbg_map_autoattach(m.ptr)) }

// SetAutoattach makes [Object.Attach] attach the map, if it is a struct_ops, or not
// (bpf_map__set_autoattach). errors.Is(err, [errors.ErrUnsupported]) before libbpf 1.5.
func (m *OpenMap) SetAutoattach(on bool) error {
	return m.use("set autoattach of", func() error {
		if err := needs("bpf_map__set_autoattach", 1, 5); err != nil {
			return err
		}
		return clib.FromRet(int(C.lbg_map_set_autoattach(m.ptr, C.bool(on))))
	})
}

// SetExclusiveProgram makes the map usable by one program of the same object and by no other
// (bpf_map__set_exclusive_program, Linux 6.18). errors.Is(err, [errors.ErrUnsupported]) before libbpf 1.7.
func (m *OpenMap) SetExclusiveProgram(p *OpenProgram) error {
	return m.use("set exclusive program of", func() error {
		if p == nil || p.o != m.o {
			return fault.Invalidf("the program must be of the same object")
		}
		if err := needs("bpf_map__set_exclusive_program", 1, 7); err != nil {
			return err
		}
		return clib.FromRet(int(C.lbg_map_set_exclusive_program(m.ptr, p.ptr)))
	})
}

// ExclusiveProgram is the one program that will be able to use the map, nil for all (bpf_map__exclusive_program).
func (m *OpenMap) ExclusiveProgram() (*OpenProgram, error) {
	return openMapGet(m, "exclusive program", func() *OpenProgram {
		program := C.lbg_map_exclusive_program(m.ptr)
		for _, p := range m.o.programs {
			if p.ptr == program {
				return p
			}
		}
		return nil
	})
}

// IsInternal tells whether the map is of libbpf's making, for global data, and not one that the object defines
// (bpf_map__is_internal).
func (m *OpenMap) IsInternal() (bool, error) {
	return openMapGet(m, "origin", func() bool { return bool(C.bpf_map__is_internal(m.ptr)) })
}

// PinPath is where Load will pin the map, or find it pinned; "" for nowhere (bpf_map__pin_path).
func (m *OpenMap) PinPath() (string, error) {
	return openMapGet(m, "pin path", m.pinPath)
}

func (m *OpenMap) pinPath() string { return C.GoString(C.bpf_map__pin_path(m.ptr)) }

// SetPinPath makes Load pin the map there, or use the one that is pinned there already if it is alike; "" undoes it
// (bpf_map__set_pin_path).
func (m *OpenMap) SetPinPath(path string) error {
	return m.use("set pin path of", func() error {
		return withOptional("path", path, func(p *C.char) C.int { return C.bpf_map__set_pin_path(m.ptr, p) })
	})
}

// InitialValue is a copy of the section's content that the map will start with, nil for a map that is not of global
// data (bpf_map__initial_value).
func (m *OpenMap) InitialValue() ([]byte, error) {
	return openMapGet(m, "initial value", func() []byte { return bytes.Clone(m.initialValue()) })
}

// initialValue is libbpf's own memory. That of a struct_ops is pointers of libbpf's, and nobody's business.
func (m *OpenMap) initialValue() []byte {
	if m.isStructOps() {
		return nil
	}
	var size C.size_t
	p := C.bpf_map__initial_value(m.ptr, &size)
	if p == nil {
		return nil
	}
	return unsafe.Slice((*byte)(p), int(size))
}

// SetInitialValue replaces the section's content that the map will start with; data has its exact length. To set one
// variable, see [OpenObject.SetGlobal] (bpf_map__set_initial_value).
func (m *OpenMap) SetInitialValue(data []byte) error {
	return m.use("set initial value of", func() error {
		value := m.initialValue()
		if value == nil {
			return fault.Invalidf("the map has no initial value: it is not of global data")
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
	return openMapGet(m, "definition", func() MapDefinition { return definitionOf(m.ptr) })
}

// InnerMap is the template, as the object defines it, of the maps that this map of maps will hold
// (bpf_map__inner_map). errors.Is(err, [ErrNotFound]) when it defines none, or SetInnerMap has replaced it. To change it,
// create a map and call SetInnerMap: libbpf can't change the template itself.
func (m *OpenMap) InnerMap() (MapDefinition, error) {
	var d MapDefinition
	err := m.use("get inner map of", func() error {
		if !m.typ().IsMapInMap() {
			return fault.Invalidf("the map holds no maps, it is of type %s", m.typ())
		}
		inner := C.bpf_map__inner_map(m.ptr)
		if inner == nil {
			return fault.Newf(ErrNotFound, "it defines none, or SetInnerMap has replaced it")
		}
		d = definitionOf(inner)
		return nil
	})
	return d, err
}

// SetInnerMap makes inner the template of the maps that this map of maps will hold: they must have its type and sizes
// (bpf_map__set_inner_map_fd). It is only read at Load; its descriptor is duplicated, so it may be closed before.
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
		if err := clib.FromRet(int(C.bpf_map__set_inner_map_fd(m.ptr, C.int(fd)))); err != nil {
			return err
		}
		m.o.lentFDs = append(m.o.lentFDs, fd)
		owned = true
		return nil
	})
}

// Reuse makes Load use an existing map in place of a new one; its definition replaces this one's
// (bpf_map__reuse_fd). The descriptor is duplicated. Global data can only reuse what has its own type and sizes, and a
// struct_ops nothing: [ErrInvalid].
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
		if m.hasMemory() && (c.typ != m.typ() || c.valueSize != uint32(C.bpf_map__value_size(m.ptr)) ||
			c.maxEntries != uint32(C.bpf_map__max_entries(m.ptr))) {
			return errKeepsMemory
		}
		return clib.FromRet(int(C.bpf_map__reuse_fd(m.ptr, C.int(c.fd))))
	})
}

// ReusePinned makes Load use the map that is pinned at path in place of a new one; its definition replaces this one's.
// errors.Is(err, os.ErrNotExist) when nothing is pinned there.
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

// Map is a map of an [Object], in the kernel. It is a view: the Object owns the map, and after its Close every operation
// returns [ErrClosed]. [MapHandleFrom] makes a handle that lives on by itself.
type Map struct {
	mapCore
	o   *Object
	ptr *C.struct_bpf_map

	keyTypeID, valueTypeID btf.TypeID
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
		keyTypeID:   btf.TypeID(C.bpf_map__btf_key_type_id(m)),
		valueTypeID: btf.TypeID(C.bpf_map__btf_value_type_id(m)),
		definedPin:  C.GoString(C.bpf_map__pin_path(m)),
		autoattach:  from.autoattach(),
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

// use runs one call into libbpf that may print, or change the object.
func (m *Map) use(op string, f func() error) error {
	return m.o.use(op, fmt.Sprintf("map %q", m.name), f)
}
