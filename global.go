package libbpf

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/ctypes"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// SetGlobal sets the value that a global variable of the object will have when the object is loaded. The variable may
// be const (.rodata) or not (.data, .bss, custom sections, __arena).
//
// The name may select a part of the variable, as in C: "config.mode", "table[3].x". A member of an anonymous struct or
// union counts as a member of the struct around it. A static variable of a function is "function.name". If linking has
// put several static variables with one name into the object, put the section before the name, and the offset in the
// section if one section has several: ".data:count", ".bss+8:count".
//
// The object's BTF says where the variable is, and which values it takes:
//
//   - an integer variable, a bit field or an enum takes any Go integer or bool within its range; a bool variable takes a
//     bool, 0 or 1;
//   - a float or double takes a Go float;
//   - an array of char takes a string that is shorter than the array;
//   - an array takes a slice or an array with the same number of elements; each must be a value for an element;
//   - any variable takes a Go array or struct of exactly its size and without pointers, or a []byte of its size, which
//     holds the bytes as they are in memory;
//   - a pointer to one of these Go values takes its place.
//
// An extern in .kconfig can't be set, because libbpf sets it at Load: use [ObjectBuilder.Kconfig].
//
// errors.Is(err, [ErrNotFound]) when there is no such variable or member, [ErrNoBTF] when the object has no type
// information, [ErrInvalid] when the value does not fit or the variable can't be set.
func (o *OpenObject) SetGlobal(name string, value any) error {
	return o.withGlobal("set", name, func(g *global) error { return g.set(value) })
}

// Global returns a copy of the initial bytes of a global variable, or of the part that the name selects. For a bit
// field it returns an integer of the field's type. Names and errors are those of SetGlobal.
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
	memory []byte // its bytes in the section's initial value
	bit    int    // offset of a bit field in memory, in bits
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

// ownTypes is the object's copy of its BTF, made when first needed. The caller holds mu.
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

// forgetTypes must be called when libbpf has changed the BTF. The caller holds mu.
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
		return nil, fault.Newf(ErrNotFound, "its section %s has no map", v.Section)
	}
	memory := m.initialValue()
	if v.Offset < 0 || v.Size < 0 || v.Size > len(memory)-v.Offset {
		return nil, fault.Invalidf("the object's BTF places it beyond the end of section %s", v.Section)
	}
	return newGlobal(types, v.Type, memory[v.Offset:][:v.Size], strings.TrimSuffix(name, path), path)
}

// newGlobal returns the part of a variable at a path. memory is the variable's memory.
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
		if at.Bits > 8*size || size > 8 || at.Bit > 8*len(memory)-at.Bits {
			return nil, fault.Invalidf("the object's BTF describes an impossible bit field")
		}
		return &global{types, at.Type, memory, at.Bit, at.Bits}, nil
	}
	if at.Bit%8 != 0 || size > len(memory)-at.Bit/8 {
		return nil, fault.Invalidf("the object's BTF places it beyond the end of its variable")
	}
	return &global{types: types, typ: at.Type, memory: memory[at.Bit/8:][:size]}, nil
}

// section is the map that holds a section of global data, or nil.
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

// placeError converts an error of package place, which finds variables, to an error of this package.
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

// kconfigError says why an extern in .kconfig has no value before Load.
func kconfigError(name string) error {
	if strings.HasPrefix(name, "CONFIG_") {
		return fault.Invalidf("it is an extern, whose value Load takes from the kernel's configuration: " +
			"override it with ObjectBuilder.Kconfig")
	}
	return fault.Invalidf("it is an extern, whose value libbpf sets at Load")
}

func (g *global) get() ([]byte, error) {
	if g.bits == 0 {
		return bytes.Clone(g.memory), nil
	}
	size, signed, err := g.bitField()
	if err != nil {
		return nil, err
	}
	number, _ := place.Native.Load(g.memory, g.bit, g.bits)
	if signed {
		number = uint64(ctypes.SignExtend(number, g.bits))
	}
	value := make([]byte, size)
	place.Native.Store(value, 0, 8*size, number)
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
	number, _ := place.Native.Load(image, 0, 8*size)
	kept := number << (64 - g.bits) >> (64 - g.bits)
	if signed {
		number, kept = uint64(ctypes.SignExtend(number, 8*size)), uint64(ctypes.SignExtend(number, g.bits))
	}
	if number != kept {
		return outOfRange(signed && int64(number) < 0, number, fmt.Sprintf("%d bits", g.bits))
	}
	place.Native.Store(g.memory, g.bit, g.bits, number)
	return nil
}

// bitField returns the size of a bit field's type, in bytes, and whether the type is signed.
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
