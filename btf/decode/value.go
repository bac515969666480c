package decode

import (
	"math/big"
	"slices"

	"github.com/libbpf-go/libbpf-go/internal/place"
)

// Value is a decoded value. [Type.Decode] fills it, and uses the memory of an earlier value again.
type Value struct {
	Kind Kind
	Name string // of a member or variable
	// Bits is the number of an integer, a bool, a character, an enum or a pointer; a negative one has the bits of an
	// int64. Of a float it has the bits of a float64 or, if it has 4 bytes, a float32.
	Bits uint64
	// Bytes are those of a string, before its NUL, and of a number of more than 64 bits. They are the data's: copy them
	// to keep them.
	Bytes []byte
	// Elems are the members of a struct, or the elements of an array.
	Elems []Value

	of    *node
	order place.Order
}

// Decode decodes data into v. It allocates only what v has no room for yet, so that a second value of the same type
// takes no allocation. A value of unknown type is KindString with all bytes.
func (t *Type) Decode(v *Value, data []byte) {
	if t == nil {
		*v = Value{Kind: KindString, Bytes: data, Elems: v.Elems[:0]}
		return
	}
	t.at.decode(v, data)
	v.Name = ""
}

func (f field) decode(v *Value, data []byte) {
	v.Kind, v.Bits, v.Bytes, v.Elems, v.of, v.order = f.kind, 0, nil, v.Elems[:0], f.node, f.order
	whole := true
	switch f.kind {
	case KindString:
		v.Bytes = f.text(data)
		whole = !f.absent(data)
	case KindBig:
		v.Bytes = f.bytes(data)
		whole = len(v.Bytes) == f.size
	case KindStruct:
		v.resize(len(f.members))
		for i, m := range f.members {
			f.member(i).decode(&v.Elems[i], data)
			v.Elems[i].Name = m.name
		}
	case KindArray:
		n := f.begun(data)
		v.resize(n)
		for i := range n {
			f.index(i).decode(&v.Elems[i], data)
			v.Elems[i].Name = ""
		}
	default:
		v.Bits, whole = f.load(data)
	}
	if !whole {
		v.Kind, v.Bits, v.Bytes = KindMissing, 0, nil
	}
}

// resize makes room for n parts, which keep the memory that they have.
func (v *Value) resize(n int) { v.Elems = slices.Grow(v.Elems, n)[:n] }

// Member is the member of that name, or nil if there is none.
func (v *Value) Member(name string) *Value {
	for i := range v.Elems {
		if v.Elems[i].Name == name && v.Kind == KindStruct {
			return &v.Elems[i]
		}
	}
	return nil
}

// Enumerator is the name of an enum's value. It is empty for other kinds, and for a value that has no name.
func (v *Value) Enumerator() string {
	if v.Kind != KindEnum {
		return ""
	}
	return field{node: v.of}.enumName(v.Bits)
}

// Float is the value of a float, 0 for other kinds.
func (v *Value) Float() float64 {
	if v.Kind != KindFloat {
		return 0
	}
	return field{node: v.of}.float(v.Bits)
}

// Big is a number of more than 64 bits, nil for other kinds.
func (v *Value) Big() *big.Int {
	if v.Kind != KindBig {
		return nil
	}
	return v.of.big(v.Bytes, v.order)
}

// Any is the value as a Go value, which does not refer to the data: the table of the package has the types.
func (v *Value) Any() any {
	switch v.Kind {
	case KindBool:
		return v.Bits != 0
	case KindString:
		return string(v.Bytes)
	case KindEnum:
		if name := v.Enumerator(); name != "" {
			return name
		}
		if v.of.signed {
			return int64(v.Bits)
		}
	case KindInt, KindChar:
		return integer(v.of.size, v.of.signed, v.Bits)
	case KindFloat:
		if v.of.size == 4 {
			return float32(v.Float())
		}
		return v.Float()
	case KindBig:
		return v.Big()
	case KindStruct:
		members := make(map[string]any, len(v.Elems))
		for i := range v.Elems {
			members[v.Elems[i].Name] = v.Elems[i].Any()
		}
		return members
	case KindArray:
		elements := make([]any, len(v.Elems))
		for i := range v.Elems {
			elements[i] = v.Elems[i].Any()
		}
		return elements
	case KindMissing:
		return nil
	}
	return v.Bits
}

// integer is a number as Go's integer of that size, or of 64 bits for an odd size.
func integer(size int, signed bool, bits uint64) any {
	switch {
	case size == 1 && signed:
		return int8(bits)
	case size == 1:
		return uint8(bits)
	case size == 2 && signed:
		return int16(bits)
	case size == 2:
		return uint16(bits)
	case size == 4 && signed:
		return int32(bits)
	case size == 4:
		return uint32(bits)
	case signed:
		return int64(bits)
	}
	return bits
}

// Any is a value as a Go value: the table of the package has the types.
func (t *Type) Any(data []byte) any {
	var v Value
	t.Decode(&v, data)
	return v.Any()
}
