package typed

import (
	"reflect"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// matcher compares Go types, which layoutOf has looked at, with those of an object.
type matcher struct {
	types *btf.BTF
	steps int // so far
}

// maxSteps keeps types that are made up, such as structs that contain themselves twice, from taking for ever.
const maxSteps = 1 << 22

// match checks that a Go type serves for a variable of a type. name is the variable's.
func (m *matcher) match(t reflect.Type, id btf.TypeID, name string) error {
	size, err := m.types.Size(id)
	if err != nil {
		return err
	}
	if t.Size() != uintptr(size) {
		return fault.Invalidf("%s has %d bytes and must have %d, as %s has", t, t.Size(), size,
			place.Declaration(m.types, id, name))
	}
	return m.at(t, 0, t.String(), id, name)
}

// at checks that a Go type is what a type has at an offset, in bytes, or a part of that. path is of the Go type, in
// what match was called for.
func (m *matcher) at(t reflect.Type, offset uintptr, path string, id btf.TypeID, name string) error {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Name == "_" {
				continue
			}
			if err := m.at(f.Type, offset+f.Offset, path+"."+f.Name, id, name); err != nil {
				return err
			}
		}
		return nil
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return nil // the bytes as they are
		}
		return m.arrayAt(t, offset, path, id, name)
	}
	ok, err := m.numberAt(t, uint64(offset), id)
	if err == nil && !ok {
		err = fault.Invalidf("%s is of type %s, and %s has no such thing at byte %d", path, t,
			place.Declaration(m.types, id, name), offset)
	}
	return err
}

// arrayAt is at for an array. Where the object has an array as well, one element stands for all.
func (m *matcher) arrayAt(t reflect.Type, offset uintptr, path string, id btf.TypeID, name string) error {
	resolved, err := m.types.Resolve(id)
	if err != nil {
		return err
	}
	count := t.Len()
	if array, ok := resolved.(*btf.Array); ok && offset == 0 && int(array.Len) == count {
		count = min(count, 1)
	}
	for i := range count {
		if err := m.at(t.Elem(), offset+uintptr(i)*t.Elem().Size(), path+"[]", id, name); err != nil {
			return err
		}
	}
	return nil
}

// numberAt tells whether a type has what a Go bool or number can hold at an offset. Of a union, one member is enough.
func (m *matcher) numberAt(t reflect.Type, offset uint64, id btf.TypeID) (bool, error) {
	if m.steps++; m.steps > maxSteps {
		return false, fault.Invalidf("its type is nested too deep, or has too many parts")
	}
	resolved, err := m.types.Resolve(id)
	if err != nil {
		return false, err
	}
	switch of := resolved.(type) {
	case *btf.Array:
		size, err := m.types.Size(of.Elem)
		if err != nil || size == 0 || offset >= uint64(size)*uint64(of.Len) {
			return false, err
		}
		return m.numberAt(t, offset%uint64(size), of.Elem)
	case *btf.Composite:
		for _, member := range of.Members {
			ok, err := m.memberAt(t, offset, member)
			if ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	return offset == 0 && m.holds(t, resolved), nil
}

func (m *matcher) memberAt(t reflect.Type, offset uint64, member btf.Member) (bool, error) {
	from, to := uint64(member.BitOffset), uint64(member.BitOffset)+uint64(member.BitfieldSize)
	if member.BitfieldSize != 0 {
		// An integer takes all the bit fields that are in its bytes.
		return isInteger(t) && from >= 8*offset && to <= 8*(offset+uint64(t.Size())), nil
	}
	if offset < from/8 {
		return false, nil
	}
	return m.numberAt(t, offset-from/8, member.Type)
}

// holds tells whether a Go bool or number is what a type is.
func (m *matcher) holds(t reflect.Type, of btf.Type) bool {
	switch of := of.(type) {
	case *btf.Int:
		if of.Bool && t.Kind() == reflect.Bool {
			return true
		}
		// A char has a sign or none, as the machine has it.
		return isInteger(t) && t.Size() == uintptr(of.Size) && (of.Size == 1 || isSigned(t) == of.Signed)
	case *btf.Enum:
		return isInteger(t) && t.Size() == uintptr(of.Size)
	case *btf.Ptr:
		return t.Kind() == reflect.Uint64 && m.types.PointerSize() == 8
	case *btf.Float:
		return (t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64) && t.Size() == uintptr(of.Size)
	}
	return false
}

func isSigned(t reflect.Type) bool { return t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64 }

func isInteger(t reflect.Type) bool {
	return isSigned(t) || t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64
}
