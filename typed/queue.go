package typed

import (
	"errors"
	"reflect"

	"github.com/libbpf-go/libbpf-go"
)

// newKeyless is newAccess for maps with values only.
func newKeyless[V any](m libbpf.MapCore, typ libbpf.MapType) (access, error) {
	a, err := newAccess(m, typ)
	if err == nil {
		err = a.checkValue(reflect.TypeFor[V]())
	}
	if err != nil {
		return access{}, err
	}
	return a, nil
}

func pop[V any](a *access) (V, error) {
	var value V
	if err := a.take(nil, bytesOf(&value)); err != nil {
		return value, err
	}
	a.value.mend(bytesOf(&value))
	return value, nil
}

func peek[V any](a *access) (V, error) {
	var value V
	if err := a.lookup(nil, bytesOf(&value), libbpf.Any); err != nil {
		return value, err
	}
	a.value.mend(bytesOf(&value))
	return value, nil
}

func noValue[V any](a *access) (bool, error) {
	_, err := peek[V](a)
	if errors.Is(err, libbpf.ErrKeyNotExist) {
		return true, nil
	}
	return false, err
}

// Queue holds Vs, first in, first out: a map of type [libbpf.MapTypeQueue].
type Queue[V any] struct{ a access }

// NewQueue makes a typed view of a map of type [libbpf.MapTypeQueue] (Linux 4.20).
func NewQueue[V any](m libbpf.MapCore) (*Queue[V], error) {
	a, err := newKeyless[V](m, libbpf.MapTypeQueue)
	if err != nil {
		return nil, err
	}
	return &Queue[V]{a}, nil
}

func (q *Queue[V]) access() *access {
	if q == nil {
		return &closed
	}
	return &q.a
}

// Map is the map behind it.
func (q *Queue[V]) Map() libbpf.MapCore { return q.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (q *Queue[V]) Pin(path string) error { return q.access().pin(path) }

// Capacity is the number of values that there is room for.
func (q *Queue[V]) Capacity() int { return q.access().len() }

// Push adds a value (bpf_map_update_elem): [libbpf.ErrMapFull] when there is no room, unless flags is [libbpf.Exist],
// which pushes out the oldest. Otherwise flags is [libbpf.Any].
func (q *Queue[V]) Push(value V, flags libbpf.MapFlags) error {
	a := q.access()
	a.value.clean(bytesOf(&value))
	return a.update(nil, bytesOf(&value), flags)
}

// Pop removes the oldest value and returns it (bpf_map_lookup_and_delete_elem): [libbpf.ErrKeyNotExist] when there
// is none. It allocates once.
func (q *Queue[V]) Pop() (V, error) { return pop[V](q.access()) }

// Peek is the value that Pop would return, which stays (bpf_map_lookup_elem): [libbpf.ErrKeyNotExist] when there is
// none.
func (q *Queue[V]) Peek() (V, error) { return peek[V](q.access()) }

// IsEmpty tells whether there is no value.
func (q *Queue[V]) IsEmpty() (bool, error) { return noValue[V](q.access()) }

// Stack holds Vs, last in, first out: a map of type [libbpf.MapTypeStack].
type Stack[V any] struct{ a access }

// NewStack makes a typed view of a map of type [libbpf.MapTypeStack] (Linux 4.20).
func NewStack[V any](m libbpf.MapCore) (*Stack[V], error) {
	a, err := newKeyless[V](m, libbpf.MapTypeStack)
	if err != nil {
		return nil, err
	}
	return &Stack[V]{a}, nil
}

func (s *Stack[V]) access() *access {
	if s == nil {
		return &closed
	}
	return &s.a
}

// Map is the map behind it.
func (s *Stack[V]) Map() libbpf.MapCore { return s.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (s *Stack[V]) Pin(path string) error { return s.access().pin(path) }

// Capacity is the number of values that there is room for.
func (s *Stack[V]) Capacity() int { return s.access().len() }

// Push adds a value (bpf_map_update_elem): [libbpf.ErrMapFull] when there is no room, unless flags is [libbpf.Exist],
// which pushes out the oldest. Otherwise flags is [libbpf.Any].
func (s *Stack[V]) Push(value V, flags libbpf.MapFlags) error {
	a := s.access()
	a.value.clean(bytesOf(&value))
	return a.update(nil, bytesOf(&value), flags)
}

// Pop removes the newest value and returns it (bpf_map_lookup_and_delete_elem): [libbpf.ErrKeyNotExist] when there
// is none. It allocates once.
func (s *Stack[V]) Pop() (V, error) { return pop[V](s.access()) }

// Peek is the value that Pop would return, which stays (bpf_map_lookup_elem): [libbpf.ErrKeyNotExist] when there is
// none.
func (s *Stack[V]) Peek() (V, error) { return peek[V](s.access()) }

// IsEmpty tells whether there is no value.
func (s *Stack[V]) IsEmpty() (bool, error) { return noValue[V](s.access()) }
