package decode

import (
	"errors"
	"math"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// Field is a part of the type, such as "pid", "inner.b[1]" or "[2].x", as in C. A member of a struct without a name
// belongs to the struct around it, and a section of data has its variables. The part reads and sets the same data as
// the whole type, at its place in it.
//
// errors.Is: [btf.ErrNotFound] for a part that is not there; unix.EINVAL for a path that is not one.
func (t *Type) Field(path string) (*Type, error) {
	if t == nil {
		return nil, fault.Newf(btf.ErrNotFound, "a value of unknown type has no parts")
	}
	if path != "" && path[0] != '[' && path[0] != '.' {
		path = "." + path
	}
	part, err := place.At(t.types.btf, t.id, t.path, path)
	if err != nil {
		var wrong *place.Error
		switch {
		case !errors.As(err, &wrong):
			return nil, err
		case wrong.Missing:
			return nil, fault.New(wrong.Text, btf.ErrNotFound)
		}
		return nil, fault.New(wrong.Text, fault.ErrInvalid)
	}
	found, err := t.types.Type(part.Type)
	if err != nil {
		return nil, err
	}
	found.path = t.path + path
	found.at.bit, found.at.bits, found.at.order = t.at.bit+part.Bit, part.Bits, t.at.order
	// Only the flexible array at the end of the whole goes to the end of the data.
	end, flexible := t.at.flexibleEnd()
	own, ownFlexible := found.at.flexibleEnd()
	found.at.tail = flexible && ownFlexible && own.bit == end.bit
	return found, nil
}

// As is the same type with a name for errors, such as that of a variable. Without it, errors name "value".
func (t *Type) As(name string) *Type {
	if t == nil {
		return nil
	}
	named := *t
	named.path = name
	return &named
}

// Int is the value as a signed number, of an integer, a bool, a character or an enum. ok is false for other kinds, and if
// the data ends before the value. Int does not allocate; nor do the other methods for one number.
func (t *Type) Int(data []byte) (value int64, ok bool) {
	number, ok := t.Uint(data)
	return int64(number), ok
}

// Uint is [Type.Int] for unsigned numbers and pointers. A negative number has the bits of an int64.
func (t *Type) Uint(data []byte) (value uint64, ok bool) {
	if t == nil || t.at.kind > KindPtr || t.at.kind == KindString {
		return 0, false
	}
	return t.at.load(data)
}

// Float is the value of a float or double. ok is false for other kinds, and if the data ends before the value.
func (t *Type) Float(data []byte) (value float64, ok bool) {
	if t == nil || t.at.kind != KindFloat {
		return math.NaN(), false
	}
	bits, ok := t.at.load(data)
	return t.at.float(bits), ok
}

// Bytes are the bytes of the value within data. They are fewer than its size, or none, where the data ends too early.
// Those of a string end before its NUL. A bit field has none. They are data's: copy them to keep them.
func (t *Type) Bytes(data []byte) []byte {
	switch {
	case t == nil:
		return data
	case t.at.bits != 0:
		return nil
	case t.at.kind == KindString:
		text := t.at.text(data)
		return text
	}
	return t.at.bytes(data)
}

// Whole is [Type.Bytes], but of a string it has all bytes, also those behind its NUL.
func (t *Type) Whole(data []byte) []byte {
	if t != nil && t.at.kind == KindString {
		return t.at.bytes(data)
	}
	return t.Bytes(data)
}
