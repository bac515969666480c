package libbpf

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// innerMap is what an object defines for the maps of one of its maps of maps. libbpf forgets it during Load.
type innerMap struct {
	definition             MapDefinition
	keyTypeID, valueTypeID btf.TypeID // in the object's BTF; 0 is none
}

// innerMapOf is nil if the object defines no inner map.
func innerMapOf(outer *cMap) *innerMap {
	inner := mapInnerMap(outer)
	if inner == nil {
		return nil
	}
	return &innerMap{definitionOf(inner), mapKeyTypeID(inner), mapValueTypeID(inner)}
}

// CreateInner creates a map like those that this map of maps holds, as its object defines them (bpf_map_create); the
// caller closes it. It has the BTF types of the definition, if the object's BTF is in the kernel: Linux 5.15 to 6.1
// refuse inner maps without. It is created with the object's token, if there is one. The name is as that of [CreateMap].
// Put it in with [UpdateInnerMap]. CreateInner is safe for concurrent use.
//
// errors.Is: [ErrNotFound] if the object defines no inner map, or [OpenMap.SetInnerMap] has replaced it; [ErrInvalid] if
// the map is not a map of maps; [ErrClosed]; and those of CreateMap.
func (m *Map) CreateInner(name string) (*MapHandle, error) {
	const op = "create an inner map of"
	if m == nil {
		return nil, &Error{Op: op, Object: "map", Err: ErrClosed}
	}
	if err := m.h.Acquire(); err != nil { // keeps the object's BTF
		return nil, m.fail(op, err)
	}
	defer m.h.Drop()
	switch {
	case !m.typ.IsMapInMap():
		return nil, m.fail(op, errNoMapOfMaps(m.typ))
	case m.inner == nil:
		return nil, m.fail(op, errNoInnerMap)
	}
	d := m.inner.definition
	if d.Type == MapTypePerfEventArray && d.MaxEntries == 0 { // libbpf fills this in during Load only
		cpus, err := PossibleCPUs()
		if err != nil {
			return nil, m.fail(op, err)
		}
		d.MaxEntries = uint32(cpus)
	}
	options := MapCreateOptions{Flags: d.Flags, Extra: d.Extra, NUMANode: d.NUMANode, TokenFD: max(m.o.TokenFD(), 0)}
	if fd := m.o.BTFFD(); fd >= 0 && (m.inner.keyTypeID != 0 || m.inner.valueTypeID != 0) && d.Type.takesTypes() {
		options.BTFFD, options.BTFKeyTypeID, options.BTFValueTypeID = fd, m.inner.keyTypeID, m.inner.valueTypeID
	}
	created, err := CreateMap(d.Type, name, d.KeySize, d.ValueSize, d.MaxEntries, options)
	if err != nil && options.BTFFD != 0 { // as libbpf does: some types of map take no types of some kinds
		options.BTFFD, options.BTFKeyTypeID, options.BTFValueTypeID = 0, 0, 0
		created, err = CreateMap(d.Type, name, d.KeySize, d.ValueSize, d.MaxEntries, options)
	}
	return created, err
}

// takesTypes reports whether the kernel takes BTF types for keys and values of such a map.
func (t MapType) takesTypes() bool {
	switch t {
	case MapTypePerfEventArray, MapTypeCgroupArray, MapTypeStackTrace, MapTypeDevMap, MapTypeDevMapHash, MapTypeCPUMap,
		MapTypeXSKMap, MapTypeSockMap, MapTypeSockHash, MapTypeQueue, MapTypeStack, MapTypeArena:
		return false
	}
	return !t.IsMapInMap()
}

var errNoInnerMap = fault.Newf(ErrNotFound, "the object defines no inner map, or SetInnerMap has replaced it")

func errNoMapOfMaps(t MapType) error {
	return fault.Invalidf("the map is not a map of maps but of type %s", t)
}

// OpenInnerMap opens the map that a map of maps holds under key; the caller closes it. The error is [ErrKeyNotExist]
// when there is none. The kernel returns an id, so this needs CAP_SYS_ADMIN. If the inner map is replaced meanwhile, it
// may no longer exist: errors.Is(err, [os.ErrNotExist]).
func OpenInnerMap(outer MapCore, key []byte) (*MapHandle, error) {
	c, err := mapOfMaps("open inner map of", outer)
	if err != nil {
		return nil, err
	}
	var id [4]byte
	if err := c.LookupInto(key, id[:], Any); err != nil {
		return nil, err
	}
	return MapHandleFromID(binary.NativeEndian.Uint32(id[:]))
}

// UpdateInnerMap makes a map of maps hold inner under key, in place of the previous one (bpf_map_update_elem). inner
// must match the template that the map of maps was created with; otherwise errors.Is(err, unix.EINVAL). inner remains
// the caller's, and can be closed: the outer map keeps it.
func UpdateInnerMap(outer MapCore, key []byte, inner MapCore, flags MapFlags) error {
	const op = "update inner map of"
	c, err := mapOfMaps(op, outer)
	if err != nil {
		return err
	}
	in, err := coreOf(inner)
	if err == nil {
		err = in.h.Acquire()
	}
	if err != nil {
		return c.fail(op, err)
	}
	defer in.h.Drop()
	return c.Update(key, binary.NativeEndian.AppendUint32(nil, uint32(in.fd)), flags)
}

func mapOfMaps(op string, outer MapCore) (*mapCore, error) {
	c, err := coreOf(outer)
	switch {
	case err != nil:
		return nil, &Error{Op: op, Object: "map", Err: err}
	case c.h == nil:
		return nil, c.fail(op, ErrClosed)
	case !c.typ.IsMapInMap():
		return nil, c.fail(op, errNoMapOfMaps(c.typ))
	case c.valueSize != 4:
		return nil, c.fail(op, unix.EINVAL)
	}
	return c, nil
}
