package libbpf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// GlobalVariable is the location of a global variable of a loaded object, or of a part of one.
type GlobalVariable struct {
	Map    *Map       // the map of its section, which has one element, or the arena
	Offset int        // in that element or in the arena, in bytes
	Size   int        // in bytes
	Type   btf.TypeID // in the object's BTF; typedefs and qualifiers are not resolved
}

// GlobalVariable finds a global variable of the object. Names are those of [OpenObject.SetGlobal], except bit fields.
//
// errors.Is(err, [ErrNotFound]) when there is no such variable or member, or its map was not created; [ErrNoBTF] when
// the object has no type information; [ErrInvalid] for a bit field.
func (o *Object) GlobalVariable(name string) (GlobalVariable, error) {
	op, object := "find variable", fmt.Sprintf("%q", name)
	if err := o.acquire(op, object); err != nil {
		return GlobalVariable{}, err
	}
	defer o.h.Drop()
	types, err := o.BTF()
	if err != nil {
		return GlobalVariable{}, err
	}
	defer types.Close()
	found, err := o.findGlobal(types, name)
	if err != nil {
		return GlobalVariable{}, &Error{Op: op, Object: object, Err: err}
	}
	return found, nil
}

func (o *Object) findGlobal(types *btf.BTF, name string) (GlobalVariable, error) {
	v, path, err := place.Find(types, name)
	if err != nil {
		return GlobalVariable{}, placeError(err)
	}
	at, err := place.At(types, v.Type, strings.TrimSuffix(name, path), path)
	if err != nil {
		return GlobalVariable{}, placeError(err)
	}
	if at.Bits != 0 || at.Bit%8 != 0 {
		return GlobalVariable{}, fault.Invalidf("a bit field has no address: use the struct that contains it")
	}
	size, err := types.Size(at.Type)
	if err != nil {
		return GlobalVariable{}, err
	}
	if size > v.Size-at.Bit/8 {
		return GlobalVariable{}, fault.Invalidf("the object's BTF places it beyond the end of its variable")
	}
	m := o.section(v.Section)
	if m == nil {
		return GlobalVariable{}, fault.Newf(ErrNotFound, "its section %s has no map", v.Section)
	}
	if m.fd < 0 {
		return GlobalVariable{}, fault.Newf(ErrNotFound, "the map of section %s was not created (autocreate is off)", v.Section)
	}
	return GlobalVariable{Map: m, Offset: m.globals + v.Offset + at.Bit/8, Size: size, Type: at.Type}, nil
}

// section is the map that holds a section of global data, or nil.
func (o *Object) section(name string) *Map {
	if name == place.Arena {
		i := slices.IndexFunc(o.maps, func(m *Map) bool { return m.typ == MapTypeArena })
		if i < 0 {
			return nil
		}
		return o.maps[i]
	}
	i, ok := o.mapIndex.find(o.ptr, name)
	if !ok {
		return nil
	}
	return o.maps[i]
}

// GlobalMemory maps the memory of a global variable of a loaded object, or of a part of one, and returns its offset in
// that memory, in bytes. Programs read and change these bytes. The caller closes memory. Names and errors are those of
// GlobalVariable.
//
// libbpf does not make a section mappable if all its variables are static: the error is [ErrInvalid]. Such a section
// can be read as the only element of its map. To make it mappable, add [CreateMMapable] to its map's flags before Load.
func (o *Object) GlobalMemory(name string) (memory *MapMemory, offset int, err error) {
	v, err := o.GlobalVariable(name)
	if err != nil {
		return nil, 0, err
	}
	memory, err = v.Map.Memory()
	if errors.Is(err, errNotMappable) {
		err = &Error{Op: "map memory of", Object: fmt.Sprintf("variable %q", name), Err: errStaticOnly}
	}
	if err != nil {
		return nil, 0, err
	}
	return memory, v.Offset, nil
}

var errStaticOnly = fault.Invalidf("libbpf does not make its section mappable, because all variables in it are static: " +
	"add CreateMMapable to the flags of the section's map before Load")

// SectionMemory maps the section of global variables with that name, such as ".bss", into memory; the caller closes it.
// offset is where the variables begin in memory, in bytes. It is 0 but for ".addr_space.1", the variables in the object's
// arena. The memory of an arena ends with the object. Other memory can be used after the object's Close.
//
// errors.Is: [ErrNotFound] for a section that has no map or whose map was not created; [ErrInvalid] for one whose
// variables are all static, which libbpf does not make mappable; [ErrClosed].
func (o *Object) SectionMemory(section string) (memory *MapMemory, offset int, err error) {
	op, object := "map memory of", fmt.Sprintf("section %q", section)
	if err := o.acquire(op, object); err != nil {
		return nil, 0, err
	}
	defer o.h.Drop()
	m := o.section(section)
	if m == nil || m.fd < 0 {
		return nil, 0, &Error{Op: op, Object: object, Err: fault.Newf(ErrNotFound, "object %q has no map for it", o.name)}
	}
	memory, err = m.Memory()
	if errors.Is(err, errNotMappable) {
		err = &Error{Op: op, Object: object, Err: errStaticOnly}
	}
	if err != nil {
		return nil, 0, err
	}
	return memory, m.globals, nil
}
