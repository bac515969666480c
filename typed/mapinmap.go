package typed

import (
	"iter"
	"reflect"

	"github.com/libbpf-go/libbpf-go"
)

// ArrayOfMaps is an array of maps: a map of type [libbpf.MapTypeArrayOfMaps]. A place may be empty.
type ArrayOfMaps struct{ a access }

// NewArrayOfMaps makes a typed view of a map of type [libbpf.MapTypeArrayOfMaps] (Linux 4.12).
func NewArrayOfMaps(m libbpf.MapCore) (*ArrayOfMaps, error) {
	a, err := newIndexed(m, libbpf.MapTypeArrayOfMaps, 4)
	if err != nil {
		return nil, err
	}
	return &ArrayOfMaps{a}, nil
}

func (m *ArrayOfMaps) access() *access {
	if m == nil {
		return &closed
	}
	return &m.a
}

// Map is the map behind it.
func (m *ArrayOfMaps) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *ArrayOfMaps) Pin(path string) error { return m.access().pin(path) }

// Len is the number of places.
func (m *ArrayOfMaps) Len() int { return m.access().len() }

// Get opens the map at index; the caller closes it. [libbpf.ErrKeyNotExist] when there is none, or beyond the end. It
// needs CAP_SYS_ADMIN, and a map that is replaced meanwhile may be gone: errors.Is(err, os.ErrNotExist).
func (m *ArrayOfMaps) Get(index uint32) (*libbpf.MapHandle, error) {
	return libbpf.OpenInnerMap(m.Map(), bytesOf(&index))
}

// ID is the kernel's id of the map at index, for [libbpf.MapHandleFromID]: [libbpf.ErrKeyNotExist] when there is none.
func (m *ArrayOfMaps) ID(index uint32) (uint32, error) { return m.access().id(bytesOf(&index)) }

// Set puts a map at index, in place of the one that is there (bpf_map_update_elem): [libbpf.ErrIndexRange] beyond the
// end; errors.Is(err, unix.EINVAL) when inner is not like the template. inner remains the caller's, who may close it:
// the array keeps the map.
func (m *ArrayOfMaps) Set(index uint32, inner libbpf.MapCore) error {
	return libbpf.UpdateInnerMap(m.Map(), bytesOf(&index), inner, libbpf.Any)
}

// Delete empties the place at index (bpf_map_delete_elem): [libbpf.ErrKeyNotExist] when it is empty.
func (m *ArrayOfMaps) Delete(index uint32) error { return m.access().delete(bytesOf(&index)) }

// All iterates over the ids of the maps, in the order of their indices, without the places that are empty. When the
// loop ends early because of an error, that is in *err; err may be nil.
func (m *ArrayOfMaps) All(err *error) iter.Seq2[uint32, uint32] {
	return present(m.access(), err, m.ID)
}

// id is the value of an element that stands for something in the kernel.
func (a *access) id(key []byte) (uint32, error) {
	var id uint32
	err := a.lookup(key, bytesOf(&id), libbpf.Any)
	return id, err
}

// HashOfMaps is a hash table of maps under Ks: a map of type [libbpf.MapTypeHashOfMaps].
type HashOfMaps[K any] struct{ a access }

// NewHashOfMaps makes a typed view of a map of type [libbpf.MapTypeHashOfMaps] (Linux 4.12).
func NewHashOfMaps[K any](m libbpf.MapCore) (*HashOfMaps[K], error) {
	a, err := newAccess(m, libbpf.MapTypeHashOfMaps)
	if err == nil {
		err = a.checkKey(reflect.TypeFor[K](), 0)
	}
	if err == nil {
		err = a.wantSize("value", m.ValueSize(), 4)
	}
	if err != nil {
		return nil, err
	}
	return &HashOfMaps[K]{a}, nil
}

func (h *HashOfMaps[K]) access() *access {
	if h == nil {
		return &closed
	}
	return &h.a
}

// Map is the map behind it.
func (h *HashOfMaps[K]) Map() libbpf.MapCore { return h.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (h *HashOfMaps[K]) Pin(path string) error { return h.access().pin(path) }

// Capacity is the number of maps that there is room for.
func (h *HashOfMaps[K]) Capacity() int { return h.access().len() }

// Get opens the map under key; the caller closes it. [libbpf.ErrKeyNotExist] when there is none. It needs
// CAP_SYS_ADMIN, and a map that is replaced meanwhile may be gone: errors.Is(err, os.ErrNotExist).
func (h *HashOfMaps[K]) Get(key K) (*libbpf.MapHandle, error) {
	h.access().key.clean(bytesOf(&key))
	return libbpf.OpenInnerMap(h.Map(), bytesOf(&key))
}

// ID is the kernel's id of the map under key, for [libbpf.MapHandleFromID]: [libbpf.ErrKeyNotExist] when there is
// none.
func (h *HashOfMaps[K]) ID(key K) (uint32, error) {
	h.access().key.clean(bytesOf(&key))
	return h.access().id(bytesOf(&key))
}

// Set puts a map under key, in place of the one that is there (bpf_map_update_elem): [libbpf.ErrMapFull] when there is
// no room; errors.Is(err, unix.EINVAL) when inner is not like the template. inner remains the caller's, who may close
// it: the table keeps the map.
func (h *HashOfMaps[K]) Set(key K, inner libbpf.MapCore) error {
	return h.Insert(key, inner, libbpf.Any)
}

// Insert is Set with flags: with [libbpf.NoExist] it is [libbpf.ErrKeyExist] if there is a map already, with
// [libbpf.Exist] [libbpf.ErrKeyNotExist] if there is none.
func (h *HashOfMaps[K]) Insert(key K, inner libbpf.MapCore, flags libbpf.MapFlags) error {
	h.access().key.clean(bytesOf(&key))
	return libbpf.UpdateInnerMap(h.Map(), bytesOf(&key), inner, flags)
}

// Delete removes the map under key (bpf_map_delete_elem): [libbpf.ErrKeyNotExist] when there is none.
func (h *HashOfMaps[K]) Delete(key K) error { return remove(h.access(), &key) }

// All iterates over the keys and the ids of the maps, in no order. When the loop ends early because of an error, that
// is in *err; err may be nil. Elements that come or go meanwhile may be missed or come twice.
func (h *HashOfMaps[K]) All(err *error) iter.Seq2[K, uint32] {
	return entries[K, uint32](h.access(), err)
}

// Keys is All without the ids.
func (h *HashOfMaps[K]) Keys(err *error) iter.Seq[K] { return keysOf(h.All(err)) }

// Len counts the maps, by an iteration over all of them: the kernel keeps no count.
func (h *HashOfMaps[K]) Len() (int, error) {
	var err error
	return count(h.All(&err), &err)
}

// IsEmpty tells whether there is no map, which takes one step of an iteration. It allocates.
func (h *HashOfMaps[K]) IsEmpty() (bool, error) { return h.access().isEmpty() }
