package typed

import (
	"reflect"

	"github.com/libbpf-go/libbpf-go"
)

// openKeyless looks at a map that has values only.
func openKeyless[V any](v *view, m libbpf.MapCore, wanted libbpf.MapType) error {
	if err := v.openView(m, wanted); err != nil {
		return err
	}
	return v.setValue(reflect.TypeFor[V]())
}

// pushed is a view of a map that values are pushed into and popped from.
type pushed[V any] struct{ view }

// Push adds a value (bpf_map_update_elem). flags is [libbpf.Any], or [libbpf.Exist] to drop the oldest value when there
// is no room. With Any the error matches [libbpf.ErrMapFull] then. It does not allocate.
func (m *pushed[V]) Push(value V, flags libbpf.MapFlags) error {
	return m.update(nil, m.value.encode(bytesOf(&value)), flags)
}

// Pop removes a value and returns it: a queue's oldest, a stack's newest (bpf_map_lookup_and_delete_elem). The error
// matches [libbpf.ErrKeyNotExist] when there is none. It does not allocate.
func (m *pushed[V]) Pop() (value V, err error) {
	err = m.lookupAndDelete(nil, bytesOf(&value))
	if err == nil {
		m.value.mend(bytesOf(&value))
	}
	return value, err
}

// Peek returns the value that Pop would return, and leaves it there (bpf_map_lookup_elem). The error matches
// [libbpf.ErrKeyNotExist] when there is none. It does not allocate.
func (m *pushed[V]) Peek() (value V, err error) {
	err = m.lookup(nil, bytesOf(&value), libbpf.Any)
	if err == nil {
		m.value.mend(bytesOf(&value))
	}
	return value, err
}

// Queue holds Vs, first in, first out: a map of type [libbpf.MapTypeQueue].
type Queue[V any] struct{ pushed[V] }

// NewQueue returns a typed view of a map of type [libbpf.MapTypeQueue] (Linux 4.20). The error matches
// [libbpf.ErrInvalid] when the map is of another type, or its values are not as large as a V.
func NewQueue[V any](m libbpf.MapCore) (*Queue[V], error) {
	q := new(Queue[V])
	return orNil(q, openKeyless[V](&q.view, m, libbpf.MapTypeQueue))
}

// Stack holds Vs, last in, first out: a map of type [libbpf.MapTypeStack].
type Stack[V any] struct{ pushed[V] }

// NewStack returns a typed view of a map of type [libbpf.MapTypeStack] (Linux 4.20). The error matches
// [libbpf.ErrInvalid] when the map is of another type, or its values are not as large as a V.
func NewStack[V any](m libbpf.MapCore) (*Stack[V], error) {
	s := new(Stack[V])
	return orNil(s, openKeyless[V](&s.view, m, libbpf.MapTypeStack))
}
