package decode

import (
	"bytes"
	"cmp"
	"math"
	"math/big"

	"github.com/libbpf-go/libbpf-go/ctypes"
	"github.com/libbpf-go/libbpf-go/internal/place"
)

// field is a value's place: a type, and the bits at which it begins.
type field struct {
	*node
	bit   int
	bits  int // width of a bit field; 0 for others
	order place.Order
	tail  bool // nothing follows it: a flexible array goes to the end of the data
}

func (f field) member(i int) field {
	m := &f.members[i]
	return field{m.node, f.bit + m.bit, m.bits, f.order, f.tail && m.last}
}

func (f field) index(i int) field {
	return field{node: f.elem, bit: f.bit + 8*f.elem.size*i, order: f.order}
}

// flexible tells whether the field is a flexible array.
func (f field) flexible() bool {
	return f.tail && f.length == 0 && (f.kind == KindArray || f.kind == KindString)
}

// flexibleEnd finds the flexible array at the end of a value.
func (f field) flexibleEnd() (field, bool) {
	if f.flexible() {
		return f, true
	}
	for i := len(f.members) - 1; i >= 0 && f.tail; i-- {
		if at, ok := f.member(i).flexibleEnd(); ok {
			return at, true
		}
	}
	return field{}, false
}

// count is how many elements an array has in this data.
func (f field) count(data []byte) int {
	if !f.flexible() || f.elem.size == 0 {
		return f.length
	}
	return max(0, len(data)-f.bit/8) / f.elem.size
}

// begun is how many elements of an array begin within data.
func (f field) begun(data []byte) int {
	n, rest := f.count(data), len(data)-f.bit/8
	switch {
	case rest < 0:
		return 0
	case f.elem.size == 0:
		return n
	}
	return min(n, (rest+f.elem.size-1)/f.elem.size)
}

// width is how many bytes the field has in this data, or would have if the data did not end before that.
func (f field) width(data []byte) int {
	if f.flexible() {
		return f.count(data) * f.elem.size
	}
	return f.size
}

// bytes are the field's bytes within data. They are fewer than its width, or none, where data ends too early.
func (f field) bytes(data []byte) []byte {
	start := f.bit / 8
	if start < 0 || start >= len(data) {
		return nil
	}
	return data[start:min(start+f.width(data), len(data))]
}

// absent tells whether data ends before the field's first byte.
func (f field) absent(data []byte) bool { return f.width(data) > 0 && f.bit/8 >= len(data) }

// load is the field's value as a number, sign-extended if it is signed. It is not ok when data ends before the field.
func (f field) load(data []byte) (value uint64, ok bool) {
	width := cmp.Or(f.bits, 8*f.size)
	value, ok = f.order.Load(data, f.bit, width)
	if f.signed {
		value = uint64(ctypes.SignExtend(value, width))
	}
	return value, ok
}

// store is the reverse of load. It reports whether data has room for the field.
func (f field) store(data []byte, value uint64) bool {
	return f.order.Store(data, f.bit, cmp.Or(f.bits, 8*f.size), value)
}

// enumName is the name of an enum's value, or "".
func (f field) enumName(value uint64) string {
	return f.names[int64(value)]
}

// float is the value of a KindFloat.
func (f field) float(bits uint64) float64 {
	if f.size == 4 {
		return float64(math.Float32frombits(uint32(bits)))
	}
	return math.Float64frombits(bits)
}

// text is a string up to its NUL.
func (f field) text(data []byte) []byte {
	raw := f.bytes(data)
	if end := bytes.IndexByte(raw, 0); end >= 0 {
		return raw[:end]
	}
	return raw
}

// digit is a byte of a number, from the lowest one on.
func digit(raw []byte, i int, order place.Order) byte { return raw[at(i, len(raw), order)] }

// at is where the byte of a number is that digit returns, among size bytes.
func at(i, size int, order place.Order) int {
	if order {
		return size - 1 - i
	}
	return i
}

// isNegative tells whether a large number is negative.
func (n *node) isNegative(raw []byte, order place.Order) bool {
	return n.signed && len(raw) > 0 && digit(raw, len(raw)-1, order) >= 0x80
}

// big is a large number.
func (n *node) big(raw []byte, order place.Order) *big.Int {
	highest := make([]byte, len(raw))
	for i := range raw {
		highest[i] = digit(raw, len(raw)-1-i, order)
	}
	number := new(big.Int).SetBytes(highest)
	if n.isNegative(raw, order) {
		number.Sub(number, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
	}
	return number
}

// appendBig appends a large number: a signed one in decimal, others in hexadecimal.
func (f field) appendBig(dst, raw []byte) []byte {
	number := f.big(raw, f.order)
	if f.signed {
		return number.Append(dst, 10)
	}
	return number.Append(append(dst, "0x"...), 16)
}

// nonzero is how many elements an array of n has up to the last one that is not zero.
func (f field) nonzero(data []byte, n int) int {
	if f.elem.size == 0 {
		return n
	}
	used := len(bytes.TrimRight(f.bytes(data), "\x00"))
	return (used + f.elem.size - 1) / f.elem.size
}
