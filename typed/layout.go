package typed

import (
	"fmt"
	"reflect"
	"unsafe"
)

// span is a range of bytes.
type span struct{ from, to uintptr }

// layout is where in a type's bytes are those that need care.
type layout struct {
	size  uintptr
	pads  []span // nobody's: Go leaves anything in them
	bools []span // programs may write more than 0 and 1, which would break Go's bool
}

// layoutOf walks a type. It is the only use of reflection, when a map is made.
func layoutOf(t reflect.Type) (layout, error) {
	l := layout{size: t.Size()}
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
		return invalidf("%s is %s, whose size depends on the machine: use a type such as %s64", path, t, t.Kind())
	case reflect.Array:
		return l.addArray(t, at, path+"[]")
	case reflect.Struct:
		return l.addStruct(t, at, path)
	}
	return invalidf("%s is a %s: types must have a fixed size and no pointers", path, t.Kind())
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

// clean zeroes the padding of what goes to the kernel: of as many as are in b, end to end.
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

// mend makes what came from the kernel safe to use in Go: as many as are in b, end to end.
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

func sizeOf[T any]() int {
	var zero T
	return int(unsafe.Sizeof(zero))
}

// bytesOf is the memory of a T, which must have been looked at by layoutOf. It has no bytes for a nil pointer, which
// the map then refuses.
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
