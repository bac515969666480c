package mutate

import (
	"encoding/binary"
	"math"
	"reflect"
)

// change makes another input of one. Most often a single argument changes.
func (r *run) change(from []reflect.Value) []reflect.Value {
	input := append([]reflect.Value{}, from...)
	changes := 1 + r.random.IntN(1+r.random.IntN(len(input)+1))
	for range changes {
		i := r.random.IntN(len(input))
		other := r.pool[r.random.IntN(len(r.pool))][i]
		input[i] = r.value(input[i], other)
	}
	return input
}

// value changes one argument. other is the same argument of another input.
func (r *run) value(v, other reflect.Value) reflect.Value {
	changed := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Bool:
		changed.SetBool(!v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		changed.SetInt(int64(r.number(uint64(v.Int()))))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		changed.SetUint(r.number(v.Uint()))
	case reflect.Float32, reflect.Float64:
		changed.SetFloat(math.Float64frombits(r.number(math.Float64bits(v.Float()))))
	case reflect.String:
		changed.SetString(string(r.bytes([]byte(v.String()), []byte(other.String()))))
	case reflect.Slice:
		changed.SetBytes(r.bytes(v.Bytes(), other.Bytes()))
	default:
		panic("mutate: arguments of type " + v.Type().String())
	}
	return changed
}

// edges are numbers at which something often ends, or wraps.
var edges = []uint64{
	0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 4095, 4096, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
}

func (r *run) number(n uint64) uint64 {
	switch r.random.IntN(5) {
	case 0:
		return n ^ 1<<r.random.IntN(64)
	case 1:
		return n + r.random.Uint64N(17) - 8
	case 2:
		return edges[r.random.IntN(len(edges))]
	case 3:
		return -edges[r.random.IntN(len(edges))]
	default:
		return r.random.Uint64() >> r.random.IntN(64)
	}
}

// bytes changes a copy, in one place or in some.
func (r *run) bytes(from, other []byte) []byte {
	b := append(make([]byte, 0, len(from)+64), from...)
	for range 1 << r.random.IntN(3) {
		b = r.once(b, other)
	}
	return b[:min(len(b), maxLength)]
}

func (r *run) once(b, other []byte) []byte {
	if len(b) == 0 {
		return append(b, byte(r.random.Uint32()))
	}
	at := r.random.IntN(len(b))
	length := 1 + r.random.IntN(min(len(b)-at, 1<<r.random.IntN(8)))
	switch r.random.IntN(12) {
	case 0, 1:
		b[at] ^= 1 << r.random.IntN(8)
	case 2:
		b[at] = byte(r.random.Uint32())
	case 3, 4, 5, 6:
		r.word(b)
	case 7: // one part replaces another
		from := r.random.IntN(len(b))
		copy(b[at:], b[from:min(from+length, len(b))])
	case 8: // a part is there twice
		b = append(b[:at:at], append(append([]byte{}, b[at:at+length]...), b[at:]...)...)
	case 9:
		b = append(b[:at], b[at+length:]...)
	case 10:
		b = b[:at]
	default:
		if len(other) > 0 {
			from := r.random.IntN(len(other))
			if r.random.IntN(2) == 0 {
				copy(b[at:], other[from:][:min(length, len(other)-from)])
			} else {
				b = append(b[:at], other[min(at, len(other)):]...)
			}
		}
	}
	return b
}

// word changes a number in the bytes, of either order.
func (r *run) word(b []byte) {
	size := 1 << (1 + r.random.IntN(3))
	if len(b) < size {
		return
	}
	at := r.random.IntN(len(b) - size + 1)
	if r.random.IntN(4) > 0 {
		at &^= size - 1
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if r.random.IntN(8) == 0 {
		order = binary.BigEndian
	}
	switch b := b[at:]; size {
	case 2:
		order.PutUint16(b, uint16(r.number(uint64(order.Uint16(b)))))
	case 4:
		order.PutUint32(b, uint32(r.number(uint64(order.Uint32(b)))))
	default:
		order.PutUint64(b, r.number(order.Uint64(b)))
	}
}
