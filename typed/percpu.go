package typed

import (
	"iter"
	"reflect"
	"sync"

	"github.com/libbpf-go/libbpf-go"
)

// perCPU is a view of a map that has a value for each possible CPU under each key.
type perCPU[K, V any] struct {
	view
	cpus int
	slot int // what one CPU's value takes in the kernel's image of an element: a multiple of eight bytes

	// images are for values that do not fill their slots, where a slice of them is not the image itself.
	images sync.Pool
}

// open looks at a map of one of the wanted types, whose keys are Ks and whose values are Vs.
func (m *perCPU[K, V]) open(of libbpf.MapCore, wanted ...libbpf.MapType) error {
	if err := m.openView(of, wanted...); err != nil {
		return err
	}
	if err := m.setKey(reflect.TypeFor[K]()); err != nil {
		return err
	}
	if err := m.setValue(reflect.TypeFor[V]()); err != nil {
		return err
	}
	cpus, err := libbpf.PossibleCPUs()
	if err != nil {
		return err
	}
	m.cpus, m.slot = cpus, (int(m.value.size)+7)&^7
	return nil
}

// PossibleCPUs returns how many values each element has (libbpf_num_possible_cpus).
func (m *perCPU[K, V]) PossibleCPUs() int { return m.cpus }

// filled tells whether values fill their slots.
func (m *perCPU[K, V]) filled() bool { return int(m.value.size) == m.slot }

// image is a buffer for the kernel's image of an element. It goes back into images.
func (m *perCPU[K, V]) image() *[]byte {
	if image, ok := m.images.Get().(*[]byte); ok {
		return image
	}
	image := make([]byte, m.cpus*m.slot)
	return &image
}

// encodeImage makes the kernel's image of values.
func (m *perCPU[K, V]) encodeImage(image []byte, values []V) {
	for i := range values {
		slot := image[i*m.slot:][:m.value.size]
		copy(slot, bytesOf(&values[i]))
		m.value.clean(slot)
	}
}

// decodeImage makes values of the kernel's image.
func (m *perCPU[K, V]) decodeImage(image []byte, values []V) {
	if !m.filled() {
		for i := range values {
			copy(bytesOf(&values[i]), image[i*m.slot:])
		}
	}
	m.value.mend(bytesOfSlice(values))
}

// roomForImage is values itself where the kernel's image of them is no other.
func (m *perCPU[K, V]) roomForImage(values []V) []byte {
	if m.filled() {
		return bytesOfSlice(values)
	}
	return make([]byte, len(values)*m.slot)
}

func (m *perCPU[K, V]) checkValues(elements, values int) error {
	if values != elements*m.cpus {
		return m.refuse("there are %d values for %d keys and %d possible CPUs", values, elements, m.cpus)
	}
	return nil
}

// Lookup returns the value of each possible CPU under key, in order, in a new slice (bpf_map_lookup_elem_flags). flags
// is [libbpf.Any]; LookupOnCPU is for one CPU.
//
// The error matches [libbpf.ErrKeyNotExist] when there is no element under key, and [libbpf.ErrIndexRange] when key is
// an index beyond the end of an array.
func (m *perCPU[K, V]) Lookup(key K, flags libbpf.MapFlags) ([]V, error) {
	values := make([]V, m.cpus)
	if err := m.LookupInto(key, values, flags); err != nil {
		return nil, err
	}
	return values, nil
}

// LookupInto is Lookup into the caller's slice of PossibleCPUs values. The error matches [libbpf.ErrInvalid] when it
// has another length. It does not allocate.
func (m *perCPU[K, V]) LookupInto(key K, values []V, flags libbpf.MapFlags) error {
	return m.readInto(key, values, flags, false)
}

// readInto is LookupInto, and LookupAndDeleteInto where take is set.
func (m *perCPU[K, V]) readInto(key K, values []V, flags libbpf.MapFlags, take bool) error {
	if err := m.checkValues(1, len(values)); err != nil {
		return err
	}
	k := m.key.encode(bytesOf(&key))
	if m.filled() {
		if err := m.readImage(k, bytesOfSlice(values), flags, take); err != nil {
			return err
		}
		m.value.mend(bytesOfSlice(values))
		return nil
	}
	image := m.image()
	defer m.images.Put(image)
	if err := m.readImage(k, *image, flags, take); err != nil {
		return err
	}
	m.decodeImage(*image, values)
	return nil
}

// readImage reads the kernel's image of an element.
func (m *perCPU[K, V]) readImage(key, image []byte, flags libbpf.MapFlags, take bool) (err error) {
	switch {
	case take && m.object != nil:
		err = m.object.LookupAndDeletePerCPUInto(key, image)
	case take:
		err = m.mapHandle().LookupAndDeletePerCPUInto(key, image)
	case m.object != nil:
		err = m.object.LookupPerCPUInto(key, image, flags)
	default:
		err = m.mapHandle().LookupPerCPUInto(key, image, flags)
	}
	return m.explain(err, key)
}

// LookupOnCPU returns the value of one CPU under key (BPF_F_CPU, Linux 7.0). It does not allocate.
//
// The error is as in Lookup. It matches unix.ERANGE when there is no such CPU, and [errors.ErrUnsupported] when the
// kernel is too old.
func (m *perCPU[K, V]) LookupOnCPU(key K, cpu uint32) (value V, err error) {
	err = m.lookup(m.key.encode(bytesOf(&key)), bytesOf(&value), libbpf.OnCPU(cpu))
	if err == nil {
		m.value.mend(bytesOf(&value))
	}
	return value, err
}

// LookupMany looks up many keys, in their order, in one call into C (bpf_map_lookup_elem_flags for each), and returns
// how many it found. found must be as long as keys, and values must have PossibleCPUs elements for each key, or the
// error matches [libbpf.ErrInvalid].
//
// An absent key, and an index beyond the end of an array, is no error: its element of found is false, and its elements
// of values stay as they were. Another error ends the call; it names the key by its position.
func (m *perCPU[K, V]) LookupMany(keys []K, values []V, found []bool, flags libbpf.MapFlags) (int, error) {
	if err := m.checkValues(len(keys), len(values)); err != nil {
		return 0, err
	}
	image := m.roomForImage(values)
	n, err := m.lookupMany(encodeAll(&m.key, keys), image, found, flags)
	if n > 0 {
		for i := range keys {
			if at := i * m.cpus; found[i] {
				m.decodeImage(image[at*m.slot:], values[at:at+m.cpus])
			}
		}
	}
	return n, err
}

// Update sets the value of each possible CPU under key (bpf_map_update_elem). values must have PossibleCPUs elements,
// or the error matches [libbpf.ErrInvalid]. flags is [libbpf.Any] to set them in any case, [libbpf.NoExist] to add an
// element, or [libbpf.Exist] to replace the values of one. It does not allocate.
//
// The error matches [libbpf.ErrKeyExist] or [libbpf.ErrKeyNotExist] as the flags ask, [libbpf.ErrMapFull] when there is
// no room, and [libbpf.ErrIndexRange] when key is an index beyond the end of an array.
func (m *perCPU[K, V]) Update(key K, values []V, flags libbpf.MapFlags) error {
	if err := m.checkValues(1, len(values)); err != nil {
		return err
	}
	k := m.key.encode(bytesOf(&key))
	if m.filled() && len(m.value.pads) == 0 {
		return m.updateImage(k, bytesOfSlice(values), flags)
	}
	image := m.image()
	defer m.images.Put(image)
	m.encodeImage(*image, values)
	return m.updateImage(k, *image, flags)
}

func (m *perCPU[K, V]) updateImage(key, image []byte, flags libbpf.MapFlags) error {
	if m.object != nil {
		return m.object.UpdatePerCPUFrom(key, image, flags)
	}
	return m.mapHandle().UpdatePerCPUFrom(key, image, flags)
}

// UpdateOnCPU sets the value of one CPU under key (BPF_F_CPU, Linux 7.0). If there is no element under key, it adds one
// that is zero for the other CPUs. The kernel heeds no flags here, so there are none. It does not allocate.
//
// The error matches [libbpf.ErrMapFull] when there is no room, [libbpf.ErrIndexRange] when key is an index beyond the
// end of an array, unix.ERANGE when there is no such CPU, and [errors.ErrUnsupported] when the kernel is too old.
func (m *perCPU[K, V]) UpdateOnCPU(key K, cpu uint32, value V) error {
	return m.update(m.key.encode(bytesOf(&key)), m.value.encode(bytesOf(&value)), libbpf.OnCPU(cpu))
}

// UpdateAllCPUs sets the same value for all CPUs under key, and adds an element if there is none
// (BPF_F_ALL_CPUS, Linux 7.0). The errors are those of UpdateOnCPU that are not about a CPU. It does not allocate.
func (m *perCPU[K, V]) UpdateAllCPUs(key K, value V) error {
	return m.update(m.key.encode(bytesOf(&key)), m.value.encode(bytesOf(&value)), libbpf.AllCPUs)
}

// LookupBatch reads up to len(keys) elements into keys and values, from where cursor is, and moves the cursor on
// (bpf_map_lookup_batch, Linux 5.6, for arrays 5.13). values must have PossibleCPUs elements for each key, or the error
// matches [libbpf.ErrInvalid]. It returns how many elements it read. That is less than len(keys) only at the end of the
// map; behind the end it is 0, and the error matches [io.EOF].
//
// The zero [libbpf.MapCursor] is the beginning. Elements that are added or deleted between the batches can be left out
// or come twice.
func (m *perCPU[K, V]) LookupBatch(
	cursor *libbpf.MapCursor, keys []K, values []V, flags libbpf.MapFlags,
) (int, error) {
	return m.readBatch(cursor, keys, values, flags, false)
}

// readBatch is LookupBatch, and LookupAndDeleteBatch where take is set.
func (m *perCPU[K, V]) readBatch(
	cursor *libbpf.MapCursor, keys []K, values []V, flags libbpf.MapFlags, take bool,
) (int, error) {
	if err := m.checkValues(len(keys), len(values)); err != nil {
		return 0, err
	}
	rawKeys, image := roomAll(&m.key, keys), m.roomForImage(values)
	n, err := m.readRawBatch(cursor, rawKeys, image, flags, take)
	decodeAll(&m.key, rawKeys, keys[:n])
	m.decodeImage(image, values[:n*m.cpus])
	return n, err
}

// UpdateBatch sets the values under keys, in order, until one fails (bpf_map_update_batch, Linux 5.6, for arrays 5.13).
// values must have PossibleCPUs elements for each key, or the error matches [libbpf.ErrInvalid]. It returns how many
// elements it set. The error is that of Update for the element that failed.
func (m *perCPU[K, V]) UpdateBatch(keys []K, values []V, flags libbpf.MapFlags) (int, error) {
	if err := m.checkValues(len(keys), len(values)); err != nil {
		return 0, err
	}
	image := make([]byte, len(values)*m.slot)
	m.encodeImage(image, values)
	return m.Map().UpdateBatch(encodeAll(&m.key, keys), image, flags)
}

// All iterates over the keys and the values of all CPUs, in order. The slice is valid until the next step. It reads
// elements in batches (bpf_map_lookup_batch, Linux 5.6, for arrays 5.13), and element by element where the kernel has
// no batches for the kind of map.
//
// When an error ends the loop, it is in *err, which is nil otherwise; err may be nil. Elements that are added or
// deleted during the iteration can be left out or come twice. An iteration that deletions restart again and again ends
// with unix.EAGAIN.
func (m *perCPU[K, V]) All(err *error) iter.Seq2[K, []V] {
	return func(yield func(K, []V) bool) {
		n := m.batch(m.key.width() + uintptr(m.cpus*m.slot))
		keys, values := make([]K, n), make([]V, n*m.cpus)
		image := m.roomForImage(values)
		rawKeys := roomAll(&m.key, keys)
		var cursor libbpf.MapCursor
		err := cleared(err)
		for more := true; more; {
			got, failed := m.readRawBatch(&cursor, rawKeys, image, libbpf.Any, false)
			decodeAll(&m.key, rawKeys, keys[:got])
			m.decodeImage(image, values[:got*m.cpus])
			for i, key := range keys[:got] {
				if !yield(key, values[i*m.cpus:(i+1)*m.cpus:(i+1)*m.cpus]) {
					return
				}
			}
			more = goesOn(err, failed)
		}
	}
}

// Keys iterates over the keys, as All does over keys and values. It does not read large values.
func (m *perCPU[K, V]) Keys(err *error) iter.Seq[K] { return keysOf[K](&m.view, err) }

// PerCPUArray is an array with a V for each possible CPU at each index: a map of type [libbpf.MapTypePerCPUArray]. Keys
// are the indices, of type uint32. All elements exist at any time, and are zero at first.
type PerCPUArray[V any] struct{ perCPU[uint32, V] }

// NewPerCPUArray returns a typed view of a map of type [libbpf.MapTypePerCPUArray] (Linux 4.6). The error matches
// [libbpf.ErrInvalid] when the map is of another type, or its values are not as large as a V.
func NewPerCPUArray[V any](m libbpf.MapCore) (*PerCPUArray[V], error) {
	a := new(PerCPUArray[V])
	return orNil(a, a.open(m, libbpf.MapTypePerCPUArray))
}

// PerCPUHash is a hash table with a V for each possible CPU under each K: a map of type [libbpf.MapTypePerCPUHash]. As
// [LRUPerCPUHash] it is a map of type [libbpf.MapTypeLRUPerCPUHash].
type PerCPUHash[K, V any] struct{ perCPU[K, V] }

// LRUPerCPUHash is a per-CPU hash table that, when it is full, drops an element that was not used lately to make room
// for a new one (Linux 4.10).
type LRUPerCPUHash[K, V any] = PerCPUHash[K, V]

// NewPerCPUHash returns a typed view of a map of type [libbpf.MapTypePerCPUHash] (Linux 4.6). The error matches
// [libbpf.ErrInvalid] when the map is of another type, or its keys and values are not as large as a K and a V.
func NewPerCPUHash[K, V any](m libbpf.MapCore) (*PerCPUHash[K, V], error) {
	h := new(PerCPUHash[K, V])
	return orNil(h, h.open(m, libbpf.MapTypePerCPUHash))
}

// NewLRUPerCPUHash returns a typed view of a map of type [libbpf.MapTypeLRUPerCPUHash]. Its errors are those of
// [NewPerCPUHash].
func NewLRUPerCPUHash[K, V any](m libbpf.MapCore) (*LRUPerCPUHash[K, V], error) {
	h := new(LRUPerCPUHash[K, V])
	return orNil(h, h.open(m, libbpf.MapTypeLRUPerCPUHash))
}

// Delete removes the element under key (bpf_map_delete_elem). The error matches [libbpf.ErrKeyNotExist] when there is
// none. It does not allocate.
func (m *PerCPUHash[K, V]) Delete(key K) error { return m.delete(m.key.encode(bytesOf(&key))) }

// DeleteBatch removes the elements under keys, in order, until one fails, as with [libbpf.ErrKeyNotExist] when there
// is none (bpf_map_delete_batch, Linux 5.6). It returns how many it removed. It copies keys that have padding.
func (m *PerCPUHash[K, V]) DeleteBatch(keys []K) (int, error) {
	return m.Map().DeleteBatch(encodeAll(&m.key, keys))
}

// LookupAndDelete returns the value of each possible CPU under key, in a new slice, and removes the element, in one
// step (bpf_map_lookup_and_delete_elem, Linux 5.14). The error matches [libbpf.ErrKeyNotExist] when there is none.
func (m *PerCPUHash[K, V]) LookupAndDelete(key K) ([]V, error) {
	values := make([]V, m.cpus)
	if err := m.LookupAndDeleteInto(key, values); err != nil {
		return nil, err
	}
	return values, nil
}

// LookupAndDeleteInto is LookupAndDelete into the caller's slice of PossibleCPUs values. The error matches
// [libbpf.ErrInvalid] when it has another length. It does not allocate.
func (m *PerCPUHash[K, V]) LookupAndDeleteInto(key K, values []V) error {
	return m.readInto(key, values, libbpf.Any, true)
}

// LookupAndDeleteBatch is LookupBatch, and removes the elements that it reads
// (bpf_map_lookup_and_delete_batch, Linux 5.6). The cursor keeps elements that were removed and did not fit: go on
// until the error matches [io.EOF].
func (m *PerCPUHash[K, V]) LookupAndDeleteBatch(
	cursor *libbpf.MapCursor, keys []K, values []V, flags libbpf.MapFlags,
) (int, error) {
	return m.readBatch(cursor, keys, values, flags, true)
}
