package libbpf

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// SetGlobal gives a global variable of the object the value that it will have when the object is loaded, be it const
// (.rodata) or not (.data, .bss, custom sections, __arena).
//
// The name may go on to a part of the variable, as in C: "config.mode", "table[3].x". Members of an anonymous struct or
// union count as those of the one around it. A static variable of a function is "function.name". Where linking brought
// several static variables of one name into the object, the section tells which, and the offset in it where one section
// has several: ".data:count", ".bss+8:count".
//
// The object's BTF says where the variable is and whether the value fits:
//
//   - an integer variable, a bit field or an enum takes any Go integer or bool within its range, a bool variable a bool
//     or 0 or 1;
//   - a float or double takes a Go float;
//   - an array of char takes a string that is shorter than it;
//   - an array takes a slice, or an array, of as many elements, each of which its elements take;
//   - anything takes a Go array or struct of exactly its size and without pointers in it, or a []byte of its size, the
//     bytes as they are in memory;
//   - a pointer stands for what it points at.
//
// An extern of .kconfig takes none, since libbpf fills it in at Load: [ObjectBuilder.Kconfig] overrides what with.
//
// errors.Is(err, [ErrNotFound]) when there is no such variable or member, [ErrNoBTF] when the object has no type
// information, [ErrInvalid] when the value does not fit or the name can't be set.
func (o *OpenObject) SetGlobal(name string, value any) error {
	return o.withGlobal("set", name, func(g *global) error { return g.set(value) })
}

// Global is a copy of the bytes that a global variable, or the part that the name leads to, will start with; a bit
// field's are those of an integer of its type. Names and errors are as for SetGlobal.
func (o *OpenObject) Global(name string) ([]byte, error) {
	var value []byte
	err := o.withGlobal("get", name, func(g *global) (err error) {
		value, err = g.get()
		return err
	})
	return value, err
}

// global is a variable of an object that is open, or a part of one.
type global struct {
	types  *btf.BTF
	typ    btf.TypeID
	memory []byte // its place in the section's initial value
	bit    int    // in memory, of a bit field
	bits   int    // width of a bit field; 0 for others
}

func (o *OpenObject) withGlobal(op, name string, f func(*global) error) error {
	return o.use(op, fmt.Sprintf("variable %q", name), func() error {
		types, err := o.ownTypes()
		if err != nil {
			return err
		}
		g, err := o.findGlobal(types, name)
		if err != nil {
			return err
		}
		return f(g)
	})
}

// ownTypes is the object's copy of its BTF, made once somebody needs it. The caller holds mu.
func (o *OpenObject) ownTypes() (*btf.BTF, error) {
	if o.types == nil {
		types, err := copyBTF(o.ptr)
		if err != nil {
			return nil, err
		}
		o.types = types
	}
	return o.types, nil
}

// forgetTypes is to be called when libbpf has changed the BTF. The caller holds mu.
func (o *OpenObject) forgetTypes() {
	_ = o.types.Close()
	o.types = nil
}

func (o *OpenObject) findGlobal(types *btf.BTF, name string) (*global, error) {
	v, path, err := place.Find(types, name)
	if err != nil {
		return nil, placeError(err)
	}
	if v.Section == place.Kconfig {
		return nil, kconfigError(v.Name)
	}
	m := o.section(v.Section)
	if m == nil {
		return nil, fault.Newf(ErrNotFound, "section %s, in which it is, has no map", v.Section)
	}
	memory := m.initialValue()
	if v.Offset+v.Size > len(memory) {
		return nil, fault.Invalidf("BTF puts it beyond the end of section %s", v.Section)
	}
	return newGlobal(types, v.Type, memory[v.Offset:][:v.Size], strings.TrimSuffix(name, path), path)
}

// newGlobal is the part of a variable at a path. memory is the variable's.
func newGlobal(types *btf.BTF, typ btf.TypeID, memory []byte, name, path string) (*global, error) {
	at, err := place.At(types, typ, name, path)
	if err != nil {
		return nil, placeError(err)
	}
	size, err := types.Size(at.Type)
	if err != nil {
		return nil, err
	}
	if at.Bits != 0 {
		if at.Bits > 8*size || size > 8 || at.Bit+at.Bits > 8*len(memory) {
			return nil, fault.Invalidf("BTF describes a bit field that can't be")
		}
		return &global{types, at.Type, memory, at.Bit, at.Bits}, nil
	}
	if at.Bit%8 != 0 || at.Bit/8+size > len(memory) {
		return nil, fault.Invalidf("BTF puts it beyond the end of its variable")
	}
	return &global{types: types, typ: at.Type, memory: memory[at.Bit/8:][:size]}, nil
}

// section is the map whose initial value a section of global data is, or nil.
func (o *OpenObject) section(name string) *OpenMap {
	if name == place.Arena {
		i := slices.IndexFunc(o.maps, func(m *OpenMap) bool { return m.typ() == MapTypeArena })
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

// placeError is an error of the package that finds variables as one of this package's.
func placeError(err error) error {
	var wrong *place.Error
	switch {
	case !errors.As(err, &wrong):
		return err
	case wrong.Missing:
		return fault.New(wrong.Text, ErrNotFound)
	}
	return fault.New(wrong.Text, ErrInvalid)
}

// kconfigError says why an extern of .kconfig has no value before Load.
func kconfigError(name string) error {
	if strings.HasPrefix(name, "CONFIG_") {
		return fault.Invalidf("it is an extern, and gets its value at Load from the kernel's configuration: " +
			"override that with ObjectBuilder.Kconfig")
	}
	return fault.Invalidf("it is an extern, and gets its value at Load from libbpf")
}

func (g *global) get() ([]byte, error) {
	if g.bits == 0 {
		return bytes.Clone(g.memory), nil
	}
	size, signed, err := g.bitField()
	if err != nil {
		return nil, err
	}
	number, _ := place.Load(g.memory, g.bit, g.bits)
	if signed {
		number = place.SignExtend(number, g.bits)
	}
	value := make([]byte, size)
	place.Store(value, 0, 8*size, number)
	return value, nil
}

func (g *global) set(value any) error {
	size := len(g.memory)
	signed := false
	if g.bits != 0 {
		var err error
		if size, signed, err = g.bitField(); err != nil {
			return err
		}
	}
	image, err := encoder{g.types}.encode(g.typ, size, value)
	if err != nil {
		return err
	}
	if g.bits == 0 {
		copy(g.memory, image)
		return nil
	}
	number, _ := place.Load(image, 0, 8*size)
	kept := number << (64 - g.bits) >> (64 - g.bits)
	if signed {
		number, kept = place.SignExtend(number, 8*size), place.SignExtend(number, g.bits)
	}
	if number != kept {
		return outOfRange(signed && int64(number) < 0, number, fmt.Sprintf("%d bits", g.bits))
	}
	place.Store(g.memory, g.bit, g.bits, number)
	return nil
}

// bitField is the size, in bytes, of a bit field's type, and whether that is signed.
func (g *global) bitField() (size int, signed bool, err error) {
	if size, err = g.types.Size(g.typ); err != nil {
		return 0, false, err
	}
	t, err := g.types.Resolve(g.typ)
	switch t := t.(type) {
	case *btf.Int:
		return size, t.Signed, err
	case *btf.Enum:
		return size, t.Signed, err
	}
	return size, false, err
}
