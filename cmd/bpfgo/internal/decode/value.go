package decode

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"

	"github.com/libbpf-go/libbpf-go/internal/place"
)

// field is a value's place: a type, and the bits at which it begins.
type field struct {
	*node
	bit  int
	bits int // width of a bit field; 0 for others
}

func (t *Type) field() field { return field{node: t.root} }

func (f field) member(i int) field {
	m := &f.members[i]
	return field{m.node, f.bit + m.bit, m.bits}
}

func (f field) index(i int) field {
	return field{node: f.elem, bit: f.bit + 8*f.elem.size*i}
}

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// bytes are the field's bytes within data. They are fewer than its size, or none, where data ends too early.
func (f field) bytes(data []byte) []byte {
	start := f.bit / 8
	if start < 0 || start >= len(data) {
		return nil
	}
	return data[start:min(start+f.size, len(data))]
}

// load is the field's value as a number, sign-extended if it is signed. It is not ok when data ends before the field.
func (f field) load(data []byte) (value uint64, ok bool) {
	width := cmp.Or(f.bits, 8*f.size)
	value, ok = place.Load(data, f.bit, width)
	if f.signed {
		value = place.SignExtend(value, width)
	}
	return value, ok
}

// store is the reverse of load. It reports whether data has room for the field.
func (f field) store(data []byte, value uint64) bool {
	return place.Store(data, f.bit, cmp.Or(f.bits, 8*f.size), value)
}

// enumName is the name of an enum's value, or "".
func (f field) enumName(value uint64) string {
	if !f.signed && f.size == 4 {
		value = uint64(uint32(value))
	}
	return f.names[int64(value)]
}

// float is the value of a kindFloat.
func (f field) float(bits uint64) float64 {
	if f.size == 4 {
		return float64(math.Float32frombits(uint32(bits)))
	}
	return math.Float64frombits(bits)
}

// text is a string up to its NUL.
func (f field) text(data []byte) (text []byte, whole bool) {
	raw := f.bytes(data)
	if end := bytes.IndexByte(raw, 0); end >= 0 {
		return raw[:end], true
	}
	return raw, len(raw) == f.size
}

// hexNumber is a number of any size in hexadecimal.
func hexNumber(raw []byte) string {
	raw = slices.Clone(raw)
	if !bigEndian {
		slices.Reverse(raw)
	}
	digits := bytes.TrimLeft(hex.AppendEncode(nil, raw), "0")
	if len(digits) == 0 {
		return "0x0"
	}
	return "0x" + string(digits)
}

// nonzero is how many elements an array has up to the last one that is not zero.
func (f field) nonzero(data []byte) int {
	if f.elem.size == 0 {
		return f.length
	}
	used := len(bytes.TrimRight(f.bytes(data), "\x00"))
	return (used + f.elem.size - 1) / f.elem.size
}

// Compare orders two values by their parts, first to last: numbers by value, strings by their bytes.
func (t *Type) Compare(a, b []byte) int {
	if t == nil {
		return bytes.Compare(a, b)
	}
	return cmp.Or(t.field().compare(a, b), bytes.Compare(a, b))
}

func (f field) compare(a, b []byte) int {
	switch f.kind {
	case kindString, kindHex:
		x, _ := f.text(a)
		y, _ := f.text(b)
		if f.kind == kindHex {
			x, y = f.bytes(a), f.bytes(b)
		}
		return bytes.Compare(x, y)
	case kindStruct:
		for i := range f.members {
			if c := f.member(i).compare(a, b); c != 0 {
				return c
			}
		}
		return 0
	case kindArray:
		for i := range f.length {
			if c := f.index(i).compare(a, b); c != 0 {
				return c
			}
		}
		return 0
	}
	x, _ := f.load(a)
	y, _ := f.load(b)
	switch {
	case f.kind == kindFloat:
		return cmp.Compare(f.float(x), f.float(y))
	case f.signed:
		return cmp.Compare(int64(x), int64(y))
	default:
		return cmp.Compare(x, y)
	}
}

// Summable tells whether values can be added up: whether they are made of integers and of nothing else.
func (t *Type) Summable() bool { return t != nil && t.root.summable() }

func (n *node) summable() bool {
	switch n.kind {
	case kindInt:
		return true
	case kindArray:
		return n.elem.summable()
	case kindStruct:
		for _, m := range n.members {
			if m.bits != 0 || !m.summable() {
				return false
			}
		}
		return !n.union && len(n.members) > 0
	default:
		return false
	}
}

// Sum adds the values of several CPUs up. Of members that are tagged so, it takes the largest or the smallest.
func (t *Type) Sum(values [][]byte) []byte {
	if len(values) == 0 {
		return nil
	}
	sum := slices.Clone(values[0])
	for _, v := range values[1:] {
		t.field().add(sum, v, "")
	}
	return sum
}

func (f field) add(sum, data []byte, tag string) {
	switch f.kind {
	case kindStruct:
		for i := range f.members {
			f.member(i).add(sum, data, cmp.Or(f.members[i].tag, tag))
		}
	case kindArray:
		for i := range f.length {
			f.index(i).add(sum, data, tag)
		}
	default:
		x, ok := f.load(sum)
		y, more := f.load(data)
		if !ok || !more {
			return
		}
		less := y < x
		if f.signed {
			less = int64(y) < int64(x)
		}
		switch {
		case tag == "":
			f.store(sum, x+y)
		case tag == tagMax && !less, tag == tagMin && less:
			f.store(sum, y)
		}
	}
}
