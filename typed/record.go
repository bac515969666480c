package typed

import (
	"reflect"
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// records are those of one type in one buffer.
type records[T any] struct {
	name   string // the buffer's map's
	layout layout
	length uintptr // of a record, as it comes
}

// openRecords looks at a buffer of a type.
func openRecords[T any](m libbpf.MapCore, wanted libbpf.MapType) (records[T], error) {
	var v view
	if err := v.openView(m, wanted); err != nil {
		return records[T]{}, err
	}
	l, err := layoutOf(reflect.TypeFor[T]())
	if err != nil {
		return records[T]{}, fail(m.Name(), err)
	}
	return records[T]{m.Name(), l, l.size}, nil
}

// check refuses a record that is no T.
func (r *records[T]) check(data []byte) error {
	if uintptr(len(data)) == r.length {
		return nil
	}
	return fail(r.name, fault.Invalidf("a record has %d bytes and must have %d, as a %s has", len(data), r.length,
		reflect.TypeFor[T]()))
}

// copyTo copies a record.
func (r *records[T]) copyTo(data []byte, record *T) {
	copy(bytesOf(record), data)
	r.layout.mend(bytesOf(record))
}

// see is a record where it is. One that Go must not see as it is there, because a bool may be neither true nor false or
// the address is not a multiple that a T needs, is copied to *own.
func (r *records[T]) see(data []byte, own **T) *T {
	memory := unsafe.Pointer(unsafe.SliceData(data))
	if len(r.layout.bools) == 0 && uintptr(memory)%unsafe.Alignof(**own) == 0 {
		return (*T)(memory)
	}
	if *own == nil {
		*own = new(T)
	}
	r.copyTo(data, *own)
	return *own
}
