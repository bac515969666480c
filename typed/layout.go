package typed

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// span is a range of bytes.
type span struct{ from, to uintptr }

// layout is how a Go type is laid out, and which of its bytes are those of a key or a value in the map.
type layout struct {
	size  uintptr
	pads  []span // nobody's: Go leaves anything in them
	bools []span // programs may write more than 0 and 1, which would break Go's bool

	// span is what the map has: all bytes, but for the key of an [LPMTrie], which has no padding in the map, and for
	// the values of an old map, which lack the second half. Where it does not begin at 0, the map has the first 4 bytes
	// of the type at its beginning.
	span
}

// layoutOf walks a type. It is the only use of reflection, when a map is opened.
func layoutOf(t reflect.Type) (layout, error) {
	l := layout{size: t.Size(), span: span{0, t.Size()}}
	err := l.add(t, 0, t.String())
	return l, err
}

func (l *layout) add(t reflect.Type, at uintptr, path string) error {
	switch t.Kind() {
	case reflect.Bool:
		l.bools = join(l.bools, at, at+1)
		return nil
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return nil
	case reflect.Int, reflect.Uint, reflect.Uintptr:
		return fault.Invalidf("%s is %s, whose size depends on the machine: use a type such as %s64", path, t, t.Kind())
	case reflect.Array:
		return l.addArray(t, at, path+"[]")
	case reflect.Struct:
		return l.addStruct(t, at, path)
	}
	return fault.Invalidf("%s is a %s: types must have a fixed size and no pointers", path, t.Kind())
}

func (l *layout) addArray(t reflect.Type, at uintptr, path string) error {
	elem, size := layout{}, t.Elem().Size()
	if err := elem.add(t.Elem(), 0, path); err != nil {
		return err
	}
	if len(elem.pads) == 0 && len(elem.bools) == 0 {
		return nil
	}
	for i := range t.Len() {
		start := at + uintptr(i)*size
		for _, s := range elem.pads {
			l.pads = join(l.pads, start+s.from, start+s.to)
		}
		for _, s := range elem.bools {
			l.bools = join(l.bools, start+s.from, start+s.to)
		}
	}
	return nil
}

func (l *layout) addStruct(t reflect.Type, at uintptr, path string) error {
	end := uintptr(0)
	for i := range t.NumField() {
		f := t.Field(i)
		// A field without a name can't be set, and is not copied with the others for certain.
		if f.Name == "_" {
			if _, err := layoutOf(f.Type); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			continue
		}
		l.pads = join(l.pads, at+end, at+f.Offset)
		if err := l.add(f.Type, at+f.Offset, path+"."+f.Name); err != nil {
			return err
		}
		end = f.Offset + f.Type.Size()
	}
	l.pads = join(l.pads, at+end, at+t.Size())
	return nil
}

// join adds a span behind the others, or to the last one if they touch.
func join(spans []span, from, to uintptr) []span {
	if from == to {
		return spans
	}
	if n := len(spans); n > 0 && spans[n-1].to == from {
		spans[n-1].to = to
		return spans
	}
	return append(spans, span{from, to})
}

// width is how many bytes a key or a value has in the map.
func (l *layout) width() uintptr { return l.to - l.from }

// whole reports whether a T in memory is what the map has.
func (l *layout) whole() bool { return l.width() == l.size }

// clean zeroes the padding of what goes to the kernel: of all values in b, end to end.
func (l *layout) clean(b []byte) {
	if len(l.pads) != 0 {
		l.cleanAll(b)
	}
}

func (l *layout) cleanAll(b []byte) {
	for ; len(b) > 0; b = b[l.size:] {
		for _, s := range l.pads {
			clear(b[s.from:s.to])
		}
	}
}

// mend makes what came from the kernel safe to use in Go: all values in b, end to end.
func (l *layout) mend(b []byte) {
	if len(l.bools) != 0 {
		l.mendAll(b)
	}
}

func (l *layout) mendAll(b []byte) {
	for ; len(b) > 0; b = b[l.size:] {
		for _, s := range l.bools {
			for i := s.from; i < s.to; i++ {
				if b[i] > 1 {
					b[i] = 1
				}
			}
		}
	}
}

// encode makes the map's bytes of one value, in place.
func (l *layout) encode(b []byte) []byte {
	l.clean(b)
	if l.from != 0 {
		copy(b[l.from:], b[:prefixSize])
	}
	return b[l.from:l.to]
}

// room is where the map's bytes of one value go, before decode. It is empty for a nil pointer, which the map refuses.
func (l *layout) room(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b[l.from:l.to]
}

// decode makes a value of the map's bytes, in place.
func (l *layout) decode(b []byte) {
	if l.from != 0 {
		copy(b, b[l.from:l.from+prefixSize])
	}
	l.mend(b)
}

// encodeAll is encode for a slice. It makes a copy where something changes: s is the caller's, who may be reading it
// elsewhere.
func encodeAll[T any](l *layout, s []T) []byte {
	switch {
	case l.whole() && len(l.pads) == 0:
		return bytesOfSlice(s)
	case l.whole():
		b := bytesOfSlice(slices.Clone(s))
		l.clean(b)
		return b
	}
	b := make([]byte, 0, uintptr(len(s))*l.width())
	for _, value := range s {
		b = append(b, l.encode(bytesOf(&value))...)
	}
	return b
}

// roomAll is room for a slice, which is not the slice itself where the map has other bytes.
func roomAll[T any](l *layout, s []T) []byte {
	if l.whole() {
		return bytesOfSlice(s)
	}
	return make([]byte, uintptr(len(s))*l.width())
}

// decodeAll is decode for the values at the beginning of a slice's room.
func decodeAll[T any](l *layout, room []byte, s []T) {
	if l.whole() {
		l.mend(bytesOfSlice(s))
		return
	}
	for i := range s {
		b := bytesOf(&s[i])
		copy(l.room(b), room[uintptr(i)*l.width():])
		l.decode(b)
	}
}

// bytesOf is the memory of a T, which layoutOf has looked at. It has no bytes for a nil pointer.
func bytesOf[T any](p *T) []byte {
	if p == nil {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p))
}

// bytesOfSlice is bytesOf for a slice's elements.
func bytesOfSlice[T any](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), uintptr(len(s))*unsafe.Sizeof(s[0]))
}
