package typed

import (
	"errors"
	"io"
	"iter"
	"reflect"

	"github.com/libbpf-go/libbpf-go"
)

// reader is a view of a map whose elements can be read as Vs.
type reader[K, V any] struct{ view }

// open looks at a map of one of the wanted types, whose keys are Ks and whose values are Vs.
func (m *reader[K, V]) open(of libbpf.MapCore, wanted ...libbpf.MapType) error {
	if err := m.openView(of, wanted...); err != nil {
		return err
	}
	if err := m.setKey(reflect.TypeFor[K]()); err != nil {
		return err
	}
	return m.setValue(reflect.TypeFor[V]())
}

// Lookup returns the value under key (bpf_map_lookup_elem_flags). flags is [libbpf.Any], or [libbpf.Lock] to hold the
// value's bpf_spin_lock while it is copied. It does not allocate.
//
// The error matches [libbpf.ErrKeyNotExist] when there is no element under key, and [libbpf.ErrIndexRange] when key is
// an index beyond the end of an array.
func (m *reader[K, V]) Lookup(key K, flags libbpf.MapFlags) (value V, err error) {
	err = m.lookup(m.key.encode(bytesOf(&key)), m.value.room(bytesOf(&value)), flags)
	if err == nil {
		m.value.decode(bytesOf(&value))
	}
	return value, err
}

// All iterates over the keys and values. It reads them in batches (bpf_map_lookup_batch, Linux 5.6), and element by
// element where the kernel has no batches for the kind of map. It leaves out indices of an array that hold nothing.
//
// When an error ends the loop, it is in *err, which is nil otherwise; err may be nil. Elements that are added or
// deleted during the iteration can be left out or come twice. An iteration that deletions restart again and again ends
// with unix.EAGAIN.
func (m *reader[K, V]) All(err *error) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		n := m.batch(m.key.width() + m.value.width())
		keys, values := make([]K, n), make([]V, n)
		var cursor libbpf.MapCursor
		err := cleared(err)
		for more := true; more; {
			got, failed := m.readBatch(&cursor, keys, values, libbpf.Any, false)
			for i, key := range keys[:got] {
				if !yield(key, values[i]) {
					return
				}
			}
			more = goesOn(err, failed)
		}
	}
}

// readBatch is LookupBatch, and LookupAndDeleteBatch where take is set.
func (m *reader[K, V]) readBatch(
	cursor *libbpf.MapCursor, keys []K, values []V, flags libbpf.MapFlags, take bool,
) (int, error) {
	rawKeys, rawValues := roomAll(&m.key, keys), roomAll(&m.value, values)
	n, err := m.readRawBatch(cursor, rawKeys, rawValues, flags, take)
	decodeAll(&m.key, rawKeys, keys[:n])
	decodeAll(&m.value, rawValues, values[:n])
	return n, err
}

func (v *view) readRawBatch(
	cursor *libbpf.MapCursor, keys, values []byte, flags libbpf.MapFlags, take bool,
) (int, error) {
	if take {
		return v.Map().LookupAndDeleteBatch(cursor, keys, values, flags)
	}
	return v.Map().LookupBatch(cursor, keys, values, flags)
}

// An iteration reads this many bytes at once, or elements if they are smaller.
const (
	batchBytes    = 64 << 10
	batchElements = 1024
)

// batch is how many elements of so many bytes an iteration reads at once.
func (v *view) batch(bytes uintptr) int {
	n := min(batchElements, batchBytes/max(1, int(bytes)))
	if v.entries != 0 { // local storage has no maximum
		n = min(n, int(v.entries))
	}
	return max(1, n)
}

// cleared is where an iteration leaves its error, which is nil at first.
func cleared(err *error) *error {
	if err == nil {
		return new(error)
	}
	*err = nil
	return err
}

// goesOn tells whether an iteration goes on after a batch, and otherwise leaves in *err why not.
func goesOn(err *error, failed error) bool {
	if failed != nil && !errors.Is(failed, io.EOF) {
		*err = failed
	}
	return failed == nil
}

// keysOf iterates over the map's keys.
func keysOf[K any](v *view, err *error) iter.Seq[K] {
	return func(yield func(K) bool) {
		for b := range v.Map().Keys(err) {
			var key K
			copy(v.key.room(bytesOf(&key)), b)
			v.key.decode(bytesOf(&key))
			if !yield(key) {
				return
			}
		}
	}
}

// elements is a view of a map that user space reads and writes in all ways.
type elements[K, V any] struct{ reader[K, V] }

// LookupInto is Lookup into the caller's variable, which saves copies of a large value.
func (m *elements[K, V]) LookupInto(key K, value *V, flags libbpf.MapFlags) error {
	err := m.lookup(m.key.encode(bytesOf(&key)), m.value.room(bytesOf(value)), flags)
	if err == nil {
		m.value.decode(bytesOf(value))
	}
	return err
}

// LookupMany looks up many keys, in their order, in one call into C (bpf_map_lookup_elem_flags for each), and returns
// how many it found. values and found must be as long as keys, or the error matches [libbpf.ErrInvalid].
//
// An absent key, and an index beyond the end of an array, is no error: its element of found is false, and its element
// of values stays as it was. Another error ends the call; it names the key by its position. It copies the keys if they
// have padding, and does not allocate otherwise.
func (m *elements[K, V]) LookupMany(keys []K, values []V, found []bool, flags libbpf.MapFlags) (int, error) {
	n, err := m.lookupMany(encodeAll(&m.key, keys), bytesOfSlice(values), found, flags)
	m.value.mend(bytesOfSlice(values))
	return n, err
}

// Update sets the value under key (bpf_map_update_elem). flags is [libbpf.Any] to set it in any case,
// [libbpf.NoExist] to add an element, or [libbpf.Exist] to replace the value of one; [libbpf.Lock] may be added, to
// hold the value's bpf_spin_lock meanwhile. It does not allocate.
//
// The error matches [libbpf.ErrKeyExist] or [libbpf.ErrKeyNotExist] as the flags ask, [libbpf.ErrMapFull] when there is
// no room, and [libbpf.ErrIndexRange] when key is an index beyond the end of an array.
func (m *elements[K, V]) Update(key K, value V, flags libbpf.MapFlags) error {
	return m.update(m.key.encode(bytesOf(&key)), m.value.encode(bytesOf(&value)), flags)
}

// LookupBatch reads up to len(keys) elements into keys and values, which must have the same length, from where cursor
// is, and moves the cursor on (bpf_map_lookup_batch, Linux 5.6). It returns how many it read. That is less than
// len(keys) only at the end of the map; behind the end it is 0, and the error matches [io.EOF].
//
// The zero [libbpf.MapCursor] is the beginning. Elements that are added or deleted between the batches can be left out
// or come twice.
func (m *elements[K, V]) LookupBatch(
	cursor *libbpf.MapCursor, keys []K, values []V, flags libbpf.MapFlags,
) (int, error) {
	return m.readBatch(cursor, keys, values, flags, false)
}

// UpdateBatch sets the values under keys, which must be as many, in order, until one fails (bpf_map_update_batch, Linux
// 5.6). It returns how many it set. The error is that of Update for the element that failed. It copies keys or values
// that have padding.
func (m *elements[K, V]) UpdateBatch(keys []K, values []V, flags libbpf.MapFlags) (int, error) {
	return m.Map().UpdateBatch(encodeAll(&m.key, keys), encodeAll(&m.value, values), flags)
}

// Keys iterates over the keys, as All does over keys and values. It does not read large values.
func (m *elements[K, V]) Keys(err *error) iter.Seq[K] { return keysOf[K](&m.view, err) }

// table is a view of a map whose elements can be deleted.
type table[K, V any] struct{ elements[K, V] }

// Delete removes the element under key (bpf_map_delete_elem). The error matches [libbpf.ErrKeyNotExist] when there is
// none. It does not allocate.
func (m *table[K, V]) Delete(key K) error { return m.delete(m.key.encode(bytesOf(&key))) }

// DeleteBatch removes the elements under keys, in order, until one fails, as with [libbpf.ErrKeyNotExist] when there
// is none (bpf_map_delete_batch, Linux 5.6). It returns how many it removed. It copies keys that have padding.
func (m *table[K, V]) DeleteBatch(keys []K) (int, error) {
	return m.Map().DeleteBatch(encodeAll(&m.key, keys))
}
