package typed

import "github.com/libbpf-go/libbpf-go"

// Hash is a hash table with a V under each K: a map of type [libbpf.MapTypeHash]. As [LRUHash] it is a map of type
// [libbpf.MapTypeLRUHash].
type Hash[K, V any] struct{ table[K, V] }

// LRUHash is a hash table that, when it is full, drops an element that was not used lately to make room for a new one
// (Linux 4.10). A lookup by user space does not count as a use; one by a program does.
type LRUHash[K, V any] = Hash[K, V]

// NewHash returns a typed view of a map of type [libbpf.MapTypeHash]. The error matches [libbpf.ErrInvalid] when the
// map is of another type, or its keys and values are not as large as a K and a V.
func NewHash[K, V any](m libbpf.MapCore) (*Hash[K, V], error) {
	h := new(Hash[K, V])
	return orNil(h, h.open(m, libbpf.MapTypeHash))
}

// NewLRUHash returns a typed view of a map of type [libbpf.MapTypeLRUHash]. Its errors are those of [NewHash].
func NewLRUHash[K, V any](m libbpf.MapCore) (*LRUHash[K, V], error) {
	h := new(LRUHash[K, V])
	return orNil(h, h.open(m, libbpf.MapTypeLRUHash))
}

// LookupAndDelete returns the value under key and removes the element, in one step (bpf_map_lookup_and_delete_elem,
// Linux 5.14). The error matches [libbpf.ErrKeyNotExist] when there is none. It does not allocate.
func (m *Hash[K, V]) LookupAndDelete(key K) (value V, err error) {
	err = m.lookupAndDelete(m.key.encode(bytesOf(&key)), bytesOf(&value))
	if err == nil {
		m.value.mend(bytesOf(&value))
	}
	return value, err
}

// LookupAndDeleteInto is LookupAndDelete into the caller's variable, which saves copies of a large value.
func (m *Hash[K, V]) LookupAndDeleteInto(key K, value *V) error {
	err := m.lookupAndDelete(m.key.encode(bytesOf(&key)), bytesOf(value))
	if err == nil {
		m.value.mend(bytesOf(value))
	}
	return err
}

// LookupAndDeleteBatch is LookupBatch, and removes the elements that it reads
// (bpf_map_lookup_and_delete_batch, Linux 5.6). The cursor keeps elements that were removed and did not fit: go on
// until the error matches [io.EOF].
func (m *Hash[K, V]) LookupAndDeleteBatch(
	cursor *libbpf.MapCursor, keys []K, values []V, flags libbpf.MapFlags,
) (int, error) {
	return m.readBatch(cursor, keys, values, flags, true)
}
