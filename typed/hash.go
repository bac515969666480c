package typed

import (
	"iter"

	"github.com/libbpf-go/libbpf-go"
)

// Hash is a hash table of Vs under Ks: a map of type [libbpf.MapTypeHash], or as [LRUHash] of type
// [libbpf.MapTypeLRUHash].
type Hash[K, V any] struct{ a access }

// LRUHash is a hash table that makes room for a new element by dropping one that was not used lately (Linux 4.10). A
// Get counts as no use; one by a program does.
type LRUHash[K, V any] = Hash[K, V]

// NewHash makes a typed view of a map of type [libbpf.MapTypeHash].
func NewHash[K, V any](m libbpf.MapCore) (*Hash[K, V], error) {
	return newHash[K, V](m, libbpf.MapTypeHash)
}

// NewLRUHash makes a typed view of a map of type [libbpf.MapTypeLRUHash].
func NewLRUHash[K, V any](m libbpf.MapCore) (*LRUHash[K, V], error) {
	return newHash[K, V](m, libbpf.MapTypeLRUHash)
}

func newHash[K, V any](m libbpf.MapCore, typ libbpf.MapType) (*Hash[K, V], error) {
	a, err := newTyped[K, V](m, typ)
	if err != nil {
		return nil, err
	}
	return &Hash[K, V]{a}, nil
}

func (h *Hash[K, V]) access() *access {
	if h == nil {
		return &closed
	}
	return &h.a
}

// Map is the map behind it.
func (h *Hash[K, V]) Map() libbpf.MapCore { return h.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (h *Hash[K, V]) Pin(path string) error { return h.access().pin(path) }

// Capacity is the number of elements that there is room for.
func (h *Hash[K, V]) Capacity() int { return h.access().len() }

// Get is the value under key (bpf_map_lookup_elem_flags): [libbpf.ErrKeyNotExist] when there is none.
func (h *Hash[K, V]) Get(key K) (V, error) {
	var value V
	err := get(h.access(), &key, &value, libbpf.Any)
	return value, err
}

// GetInto is Get into the caller's variable, with flags: [libbpf.Any] or [libbpf.Lock]. It spares copies of large
// values.
func (h *Hash[K, V]) GetInto(key K, value *V, flags libbpf.MapFlags) error {
	return get(h.access(), &key, value, flags)
}

// GetMany looks keys up, in their order, in one call into C (bpf_map_lookup_elem_flags for each), and returns how many
// were found. values and found are of the same length as keys. An absent key is no error: found is false for it, and its
// value stays as it was. Another error ends it and names the key by its number. It copies keys that have padding.
func (h *Hash[K, V]) GetMany(keys []K, values []V, found []bool, flags libbpf.MapFlags) (int, error) {
	return getMany(h.access(), keys, values, found, flags)
}

// Set sets the value under key, whether there is one already or not (bpf_map_update_elem): [libbpf.ErrMapFull] when
// there is no room.
func (h *Hash[K, V]) Set(key K, value V) error { return set(h.access(), &key, &value, libbpf.Any) }

// Insert is Set with flags: with [libbpf.NoExist] it is [libbpf.ErrKeyExist] if there is a value already, with
// [libbpf.Exist] [libbpf.ErrKeyNotExist] if there is none.
func (h *Hash[K, V]) Insert(key K, value V, flags libbpf.MapFlags) error {
	return set(h.access(), &key, &value, flags)
}

// Delete removes the element (bpf_map_delete_elem): [libbpf.ErrKeyNotExist] when there is none.
func (h *Hash[K, V]) Delete(key K) error { return remove(h.access(), &key) }

// Take is Get and Delete in one step (bpf_map_lookup_and_delete_elem, Linux 5.14). It allocates once.
func (h *Hash[K, V]) Take(key K) (V, error) {
	var value V
	a := h.access()
	a.key.clean(bytesOf(&key))
	if err := a.take(bytesOf(&key), bytesOf(&value)); err != nil {
		return value, err
	}
	a.value.mend(bytesOf(&value))
	return value, nil
}

// All iterates over the elements, in no order, in batches underneath (bpf_map_lookup_batch, Linux 5.6; before that one
// by one). When the loop ends early because of an error, that is in *err; err may be nil. Elements that come or go
// meanwhile may be missed or come twice.
func (h *Hash[K, V]) All(err *error) iter.Seq2[K, V] { return entries[K, V](h.access(), err) }

// Keys is All without the values.
func (h *Hash[K, V]) Keys(err *error) iter.Seq[K] { return keysOf(h.All(err)) }

// Len counts the elements, by an iteration over all of them: the kernel keeps no count.
func (h *Hash[K, V]) Len() (int, error) {
	var err error
	return count(h.All(&err), &err)
}

// IsEmpty tells whether there is no element, which takes one step of an iteration. It allocates.
func (h *Hash[K, V]) IsEmpty() (bool, error) { return h.access().isEmpty() }

// LookupBatch reads up to len(keys) elements into keys and values, which are of the same length, from where cursor is,
// and moves it on (bpf_map_lookup_batch, Linux 5.6). It returns how many it read: fewer only at the end, and 0 with
// [io.EOF] behind it.
func (h *Hash[K, V]) LookupBatch(cursor *libbpf.MapCursor, keys []K, values []V) (int, error) {
	a := h.access()
	n, err := a.mapCore().LookupBatch(cursor, bytesOfSlice(keys), bytesOfSlice(values), libbpf.Any)
	if n > 0 {
		a.key.mend(bytesOfSlice(keys[:n]))
		a.value.mend(bytesOfSlice(values[:n]))
	}
	return n, err
}

// InsertBatch sets values under keys, which are of the same length, in order until one fails, and returns how many it
// set (bpf_map_update_batch, Linux 5.6). It copies keys or values that have padding.
func (h *Hash[K, V]) InsertBatch(keys []K, values []V, flags libbpf.MapFlags) (int, error) {
	a := h.access()
	return a.mapCore().UpdateBatch(cleanSlice(&a.key, keys), cleanSlice(&a.value, values), flags)
}

// DeleteBatch removes elements, in order until one fails, for one with [libbpf.ErrKeyNotExist], and returns how many
// it removed (bpf_map_delete_batch, Linux 5.6). It copies keys that have padding.
func (h *Hash[K, V]) DeleteBatch(keys []K) (int, error) {
	a := h.access()
	return a.mapCore().DeleteBatch(cleanSlice(&a.key, keys))
}
