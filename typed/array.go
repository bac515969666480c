package typed

import (
	"iter"

	"github.com/libbpf-go/libbpf-go"
)

// Array is an array of Vs: a map of type [libbpf.MapTypeArray]. All elements are always there, zero at first.
type Array[V any] struct{ a access }

// NewArray makes a typed view of a map of type [libbpf.MapTypeArray].
func NewArray[V any](m libbpf.MapCore) (*Array[V], error) {
	a, err := newTyped[uint32, V](m, libbpf.MapTypeArray)
	if err != nil {
		return nil, err
	}
	return &Array[V]{a}, nil
}

func (m *Array[V]) access() *access {
	if m == nil {
		return &closed
	}
	return &m.a
}

// Map is the map behind it.
func (m *Array[V]) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *Array[V]) Pin(path string) error { return m.access().pin(path) }

// Len is the number of elements.
func (m *Array[V]) Len() int { return m.access().len() }

// Get is the value at index (bpf_map_lookup_elem_flags): [libbpf.ErrKeyNotExist] beyond the end.
func (m *Array[V]) Get(index uint32) (V, error) {
	var value V
	err := get(m.access(), &index, &value, libbpf.Any)
	return value, err
}

// GetInto is Get into the caller's variable, with flags: [libbpf.Any] or [libbpf.Lock]. It spares copies of large
// values.
func (m *Array[V]) GetInto(index uint32, value *V, flags libbpf.MapFlags) error {
	return get(m.access(), &index, value, flags)
}

// GetMany reads the values at indices, in their order, in one call into C (bpf_map_lookup_elem_flags for each), and
// returns how many there were. values and found are of the same length as indices. An index beyond the end is no error:
// found is false for it, and its value stays as it was. Another error ends it and names the index by its number.
func (m *Array[V]) GetMany(indices []uint32, values []V, found []bool, flags libbpf.MapFlags) (int, error) {
	return getMany(m.access(), indices, values, found, flags)
}

// Set sets the value at index (bpf_map_update_elem): [libbpf.ErrIndexRange] beyond the end.
func (m *Array[V]) Set(index uint32, value V) error { return m.Update(index, value, libbpf.Any) }

// Update is Set with flags: [libbpf.Lock] holds the value's bpf_spin_lock meanwhile.
func (m *Array[V]) Update(index uint32, value V, flags libbpf.MapFlags) error {
	return set(m.access(), &index, &value, flags)
}

// All iterates over the elements in order, in batches underneath (bpf_map_lookup_batch, Linux 5.6; before that one by
// one). When the loop ends early because of an error, that is in *err; err may be nil.
func (m *Array[V]) All(err *error) iter.Seq2[uint32, V] { return entries[uint32, V](m.access(), err) }
