package libbpf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/btf"
)

// SetGlobal gives a global variable of the object the value that it will have when the object is loaded, be it const
// (.rodata) or not (.data, .bss, custom sections). The object's BTF says where the variable is and whether the value
// fits:
//
//   - an integer variable or an enum takes any Go integer or bool within its range, a bool variable a bool or 0 or 1;
//   - a float or double takes a Go float;
//   - an array of char takes a string that is shorter than it;
//   - anything takes a Go array or struct of exactly its size and without pointers in it, or a []byte of its size, the
//     bytes as they are in memory.
//
// errors.Is(err, [ErrNotFound]) when there is no such variable, [ErrNoBTF] when the object has no type information,
// [ErrInvalid] when the value does not fit.
func (o *OpenObject) SetGlobal(name string, value any) error {
	return o.withGlobal("set", name, func(g *global) error {
		image, err := g.encode(value)
		if err != nil {
			return err
		}
		copy(g.memory, image)
		return nil
	})
}

// Global is a copy of the bytes that a global variable will start with. Errors are as for SetGlobal.
func (o *OpenObject) Global(name string) ([]byte, error) {
	var value []byte
	err := o.withGlobal("get", name, func(g *global) error {
		value = bytes.Clone(g.memory)
		return nil
	})
	return value, err
}

// global is a variable of an object that is open.
type global struct {
	name   string
	types  *btf.BTF
	typ    btf.TypeID
	memory []byte // its place in the section's initial value
}

func (o *OpenObject) withGlobal(op, name string, f func(*global) error) error {
	return o.use(op, fmt.Sprintf("variable %q", name), func() error {
		if _, err := o.ownTypes(); err != nil {
			return err
		}
		g, err := o.findGlobal(name)
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

func (o *OpenObject) findGlobal(name string) (*global, error) {
	v, err := findVariable(o.types, name, func(section string) bool { return o.section(section) != nil })
	if err != nil {
		return nil, err
	}
	memory := o.section(v.section)
	if v.offset+v.size > len(memory) {
		return nil, invalidf("BTF puts it beyond the end of section %s", v.section)
	}
	return &global{name, o.types, v.typ, memory[v.offset : v.offset+v.size]}, nil
}

// variable is where BTF says that a global variable is.
type variable struct {
	typ          btf.TypeID
	section      string
	offset, size int // bytes
}

// findVariable looks for a variable in the sections that has accepts. The externs of the kernel's are in others.
func findVariable(types *btf.BTF, name string, has func(section string) bool) (*variable, error) {
	var found *variable
	var err error
	for t := range types.Types(&err) {
		section, ok := t.(*btf.Datasec)
		if !ok || !has(section.Name()) {
			continue
		}
		for _, v := range section.Vars {
			t, err := types.TypeByID(v.Type)
			if err != nil {
				return nil, err
			}
			of, ok := t.(*btf.Var)
			if !ok || of.Name() != name {
				continue
			}
			if found != nil {
				return nil, invalidf("there is one in %s and one in %s", found.section, section.Name())
			}
			found = &variable{of.Type, section.Name(), int(v.Offset), int(v.Size)}
		}
	}
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, notFoundf("the object has no such global variable")
	}
	return found, nil
}

// section is the initial value of a section of global data, in libbpf's memory, or nil.
func (o *OpenObject) section(name string) []byte {
	i, ok := o.mapNames[name]
	if !ok {
		return nil
	}
	return o.maps[i].initialValue()
}

// encode is the variable's image with the value.
func (g *global) encode(value any) ([]byte, error) {
	if raw, ok := value.([]byte); ok {
		if len(raw) != len(g.memory) {
			return nil, invalidf("value has %d bytes and must have %d", len(raw), len(g.memory))
		}
		return raw, nil
	}
	t, err := g.types.Resolve(g.typ)
	if err != nil {
		return nil, err
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return g.encodeInteger(t, false, 1)
		}
		return g.encodeInteger(t, false, 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return g.encodeInteger(t, v.Int() < 0, uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return g.encodeInteger(t, false, v.Uint())
	case reflect.Float32, reflect.Float64:
		return g.encodeFloat(t, v.Float())
	case reflect.String:
		return g.encodeString(t, v.String())
	case reflect.Array, reflect.Struct:
		return g.encodeMemory(v)
	}
	return nil, invalidf("a %T can't be a global variable's value", value)
}

func (g *global) mismatch(t btf.Type, what string) error {
	return invalidf("it is of kind %s and takes no %s", t.Kind(), what)
}

// encodeInteger encodes bits, which are those of an int64 where the value is negative.
func (g *global) encodeInteger(t btf.Type, negative bool, bits uint64) ([]byte, error) {
	var signed, unsigned bool // which range the value may be in
	switch t := t.(type) {
	case *btf.Int:
		signed, unsigned = t.Signed, !t.Signed
		if t.Bool && bits > 1 {
			return nil, invalidf("a bool is 0 or 1")
		}
	case *btf.Enum:
		// Older compilers don't tell whether an enum is signed.
		signed, unsigned = true, true
	default:
		return nil, g.mismatch(t, "integer")
	}
	size := len(g.memory)
	if size < 8 {
		limit := uint64(1) << (8*size - 1)
		fitsSigned := signed && (negative && -bits <= limit || !negative && bits < limit)
		fitsUnsigned := unsigned && !negative && bits < 2*limit
		if !fitsSigned && !fitsUnsigned {
			return nil, g.outOfRange(negative, bits)
		}
	} else if negative && !signed || !negative && !unsigned && bits > math.MaxInt64 {
		return nil, g.outOfRange(negative, bits)
	}
	image := make([]byte, size)
	switch size {
	case 1:
		image[0] = byte(bits)
	case 2:
		binary.NativeEndian.PutUint16(image, uint16(bits))
	case 4:
		binary.NativeEndian.PutUint32(image, uint32(bits))
	case 8:
		binary.NativeEndian.PutUint64(image, bits)
	default:
		return nil, invalidf("an integer of %d bytes takes a []byte", size)
	}
	return image, nil
}

func (g *global) outOfRange(negative bool, bits uint64) error {
	if negative {
		return invalidf("%d does not fit its %d bytes", int64(bits), len(g.memory))
	}
	return invalidf("%d does not fit its %d bytes", bits, len(g.memory))
}

func (g *global) encodeFloat(t btf.Type, value float64) ([]byte, error) {
	if _, ok := t.(*btf.Float); !ok {
		return nil, g.mismatch(t, "float")
	}
	image := make([]byte, len(g.memory))
	switch len(image) {
	case 4:
		binary.NativeEndian.PutUint32(image, math.Float32bits(float32(value)))
	case 8:
		binary.NativeEndian.PutUint64(image, math.Float64bits(value))
	default:
		return nil, invalidf("a float of %d bytes takes a []byte", len(image))
	}
	return image, nil
}

func (g *global) encodeString(t btf.Type, value string) ([]byte, error) {
	array, ok := t.(*btf.Array)
	if !ok {
		return nil, g.mismatch(t, "string")
	}
	element, err := g.types.Resolve(array.Elem)
	if err != nil {
		return nil, err
	}
	if char, ok := element.(*btf.Int); !ok || char.Size != 1 {
		return nil, invalidf("it is an array, but not of char, and takes no string")
	}
	if len(value) >= len(g.memory) {
		return nil, invalidf("a string of %d bytes and its NUL do not fit %d", len(value), len(g.memory))
	}
	image := make([]byte, len(g.memory))
	copy(image, value)
	return image, nil
}

func (g *global) encodeMemory(v reflect.Value) ([]byte, error) {
	if hasPointers(v.Type()) {
		return nil, invalidf("%s has Go pointers in it", v.Type())
	}
	if v.Type().Size() != uintptr(len(g.memory)) {
		return nil, invalidf("%s has %d bytes and must have %d", v.Type(), v.Type().Size(), len(g.memory))
	}
	addressable := reflect.New(v.Type())
	addressable.Elem().Set(v)
	return bytes.Clone(unsafe.Slice((*byte)(addressable.UnsafePointer()), len(g.memory))), nil
}

// hasPointers tells whether values of the type mean nothing outside of Go.
func hasPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return hasPointers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if hasPointers(t.Field(i).Type) {
				return true
			}
		}
		return false
	case reflect.Pointer, reflect.UnsafePointer, reflect.Chan, reflect.Func, reflect.Interface, reflect.Map,
		reflect.Slice, reflect.String:
		return true
	}
	return false
}
