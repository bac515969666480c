package libbpf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// encoder converts Go values to the bytes of variables.
type encoder struct{ types *btf.BTF }

// encode returns the size bytes of a variable of a type with this value.
func (e encoder) encode(id btf.TypeID, size int, value any) ([]byte, error) {
	t, err := e.types.Resolve(id)
	if err != nil {
		return nil, err
	}
	return e.encodeValue(t, size, reflect.ValueOf(value))
}

func (e encoder) encodeValue(t btf.Type, size int, v reflect.Value) ([]byte, error) {
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return encodeInteger(t, size, false, 1)
		}
		return encodeInteger(t, size, false, 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return encodeInteger(t, size, v.Int() < 0, uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return encodeInteger(t, size, false, v.Uint())
	case reflect.Float32, reflect.Float64:
		return encodeFloat(t, size, v.Float())
	case reflect.String:
		return e.encodeString(t, size, v.String())
	case reflect.Struct:
		return encodeMemory(size, v)
	case reflect.Array:
		if _, ok := t.(*btf.Array); !ok || v.Type().Size() == uintptr(size) && !hasPointers(v.Type()) {
			return encodeMemory(size, v)
		}
		return e.encodeArray(t, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return e.encodeArray(t, v)
		}
		if v.Len() != size {
			return nil, fault.Invalidf("value has %d bytes and must have %d", v.Len(), size)
		}
		return v.Bytes(), nil
	case reflect.Interface: // of a slice's elements
		return e.encodeValue(t, size, v.Elem())
	case reflect.Pointer:
		if v.IsNil() {
			return nil, fault.Invalidf("value is a nil pointer")
		}
		// Other pointers are refused: they may form a cycle.
		if to := v.Elem().Kind(); to != reflect.Pointer && to != reflect.Interface {
			return e.encodeValue(t, size, v.Elem())
		}
	case reflect.Invalid:
		return nil, fault.Invalidf("nil can't be a global variable's value")
	}
	return nil, fault.Invalidf("a %s can't be a global variable's value", v.Type())
}

func mismatch(t btf.Type, what string) error {
	return fault.Invalidf("a variable of kind %s does not take a value of type %s", t.Kind(), what)
}

// encodeArray encodes the elements of a slice or an array.
func (e encoder) encodeArray(t btf.Type, v reflect.Value) ([]byte, error) {
	array, ok := t.(*btf.Array)
	if !ok {
		return nil, mismatch(t, v.Type().String())
	}
	if uint64(v.Len()) != uint64(array.Len) {
		return nil, fault.Invalidf("value has %d elements and must have %d", v.Len(), array.Len)
	}
	element, err := e.types.Resolve(array.Elem)
	if err != nil {
		return nil, err
	}
	size, err := e.types.Size(array.Elem)
	if err != nil {
		return nil, err
	}
	image := make([]byte, 0, size*v.Len())
	for i := range v.Len() {
		part, err := e.encodeValue(element, size, v.Index(i))
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		image = append(image, part...)
	}
	return image, nil
}

// encodeInteger encodes bits. If negative, bits are those of an int64.
func encodeInteger(t btf.Type, size int, negative bool, bits uint64) ([]byte, error) {
	var signed, unsigned bool // the ranges that are allowed
	switch t := t.(type) {
	case *btf.Int:
		signed, unsigned = t.Signed, !t.Signed
		if t.Bool && bits > 1 {
			return nil, fault.Invalidf("the value of a bool must be 0 or 1")
		}
	case *btf.Enum:
		// Older compilers do not say whether an enum is signed.
		signed, unsigned = true, true
	default:
		return nil, mismatch(t, "integer")
	}
	if size <= 0 { // damaged types have such integers
		return nil, mismatch(t, "integer")
	}
	if size < 8 {
		limit := uint64(1) << (8*size - 1)
		fitsSigned := signed && (negative && -bits <= limit || !negative && bits < limit)
		fitsUnsigned := unsigned && !negative && bits < 2*limit
		if !fitsSigned && !fitsUnsigned {
			return nil, outOfRange(negative, bits, fmt.Sprintf("%d bytes", size))
		}
	} else if negative && !signed || !negative && !unsigned && bits > math.MaxInt64 {
		return nil, outOfRange(negative, bits, fmt.Sprintf("%d bytes", size))
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
		return nil, fault.Invalidf("an integer of %d bytes takes a []byte", size)
	}
	return image, nil
}

func outOfRange(negative bool, bits uint64, room string) error {
	if negative {
		return fault.Invalidf("%d does not fit into %s", int64(bits), room)
	}
	return fault.Invalidf("%d does not fit into %s", bits, room)
}

func encodeFloat(t btf.Type, size int, value float64) ([]byte, error) {
	if _, ok := t.(*btf.Float); !ok {
		return nil, mismatch(t, "float")
	}
	image := make([]byte, size)
	switch size {
	case 4:
		binary.NativeEndian.PutUint32(image, math.Float32bits(float32(value)))
	case 8:
		binary.NativeEndian.PutUint64(image, math.Float64bits(value))
	default:
		return nil, fault.Invalidf("a float of %d bytes takes a []byte", size)
	}
	return image, nil
}

func (e encoder) encodeString(t btf.Type, size int, value string) ([]byte, error) {
	array, ok := t.(*btf.Array)
	if !ok {
		return nil, mismatch(t, "string")
	}
	element, err := e.types.Resolve(array.Elem)
	if err != nil {
		return nil, err
	}
	if char, ok := element.(*btf.Int); !ok || char.Size != 1 {
		return nil, fault.Invalidf("the variable is not an array of char and does not take a string")
	}
	if len(value) >= size {
		return nil, fault.Invalidf("a string of %d bytes and its NUL do not fit into %d bytes", len(value), size)
	}
	image := make([]byte, size)
	copy(image, value)
	return image, nil
}

func encodeMemory(size int, v reflect.Value) ([]byte, error) {
	if hasPointers(v.Type()) {
		return nil, fault.Invalidf("%s contains Go pointers", v.Type())
	}
	if v.Type().Size() != uintptr(size) {
		return nil, fault.Invalidf("%s has %d bytes and must have %d", v.Type(), v.Type().Size(), size)
	}
	addressable := reflect.New(v.Type())
	addressable.Elem().Set(v)
	return bytes.Clone(unsafe.Slice((*byte)(addressable.UnsafePointer()), size)), nil
}

// hasPointers reports whether values of the type contain Go pointers, which mean nothing outside of Go.
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
