package typed

import (
	"iter"
	"reflect"

	"github.com/libbpf-go/libbpf-go"
)

// slots is a view of a map whose values stand for something in the kernel. User space reads them as Vs, and writes
// something else, such as a file descriptor.
type slots[K, V any] struct{ reader[K, V] }

// open looks at a map of a type, whose values are as large as a V, or have only its first 4 bytes.
func (m *slots[K, V]) open(of libbpf.MapCore, wanted libbpf.MapType) error {
	if err := m.openView(of, wanted); err != nil {
		return err
	}
	if err := m.setKey(reflect.TypeFor[K]()); err != nil {
		return err
	}
	if m.Map().ValueSize() == 4 {
		return m.setValue(reflect.TypeFor[V](), span{0, 4})
	}
	return m.setValue(reflect.TypeFor[V]())
}

// Delete removes what is under key (bpf_map_delete_elem). The error matches [libbpf.ErrKeyNotExist] when there is
// nothing, and [libbpf.ErrIndexRange] when key is an index beyond the end of an array. Of an index that holds nothing,
// a [DevMap] and a [CPUMap] return no error, and a [SockMap] returns unix.EINVAL. It does not allocate.
func (m *slots[K, V]) Delete(key K) error { return m.delete(m.key.encode(bytesOf(&key))) }

// Keys iterates over the keys, as All does over keys and values.
func (m *slots[K, V]) Keys(err *error) iter.Seq[K] {
	if m.outOfRange == nil {
		return keysOf[K](&m.view, err)
	}
	// The kernel would name the indices that hold nothing, too.
	return func(yield func(K) bool) {
		for key := range m.All(err) {
			if !yield(key) {
				return
			}
		}
	}
}
