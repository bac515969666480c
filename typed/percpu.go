package typed

import (
	"iter"
	"reflect"
	"sync"

	"github.com/libbpf-go/libbpf-go"
)

// perCPU is access to a map that has a value for each possible CPU under each key.
type perCPU struct {
	access
	cpus, slot int // slot is the room of one CPU's value in the kernel's image of an element

	// Images for values that don't fill their slots, so that a slice of them is not the image itself.
	scratch sync.Pool
}

var closedPerCPU perCPU

func newPerCPU[K, V any](m libbpf.MapCore, typ libbpf.MapType) (*perCPU, error) {
	a, err := newTyped[K, V](m, typ)
	if err != nil {
		return nil, err
	}
	cpus, err := libbpf.PossibleCPUs()
	if err != nil {
		return nil, err
	}
	return &perCPU{access: a, cpus: cpus, slot: (int(reflect.TypeFor[V]().Size()) + 7) &^ 7}, nil
}

// tight tells whether values fill their slots.
func (p *perCPU) tight() bool { return int(p.value.size) == p.slot }

// image is a buffer for the kernel's image of an element, to be put back into scratch.
func (p *perCPU) image() *[]byte {
	if image, ok := p.scratch.Get().(*[]byte); ok {
		return image
	}
	image := make([]byte, p.cpus*p.slot)
	return &image
}

// ofCPU is the place of one CPU's value in an image.
func (p *perCPU) ofCPU(image []byte, cpu int) []byte { return image[cpu*p.slot:][:p.value.size] }

// lookupImage reads the kernel's image of an element, and removes the element if take is set.
func (p *perCPU) lookupImage(key, image []byte, flags libbpf.MapFlags, take bool) error {
	switch {
	case take && p.object != nil:
		return p.object.LookupAndDeletePerCPUInto(key, image)
	case take:
		return p.handle.LookupAndDeletePerCPUInto(key, image)
	case p.object != nil:
		return p.object.LookupPerCPUInto(key, image, flags)
	default:
		return p.handle.LookupPerCPUInto(key, image, flags)
	}
}

func (p *perCPU) checkValues(n int) error {
	if n != p.cpus {
		return p.refuse("there are %d values for %d possible CPUs", n, p.cpus)
	}
	return nil
}

func getPerCPU[K, V any](p *perCPU, key *K, values []V, flags libbpf.MapFlags, take bool) error {
	if err := p.checkValues(len(values)); err != nil {
		return err
	}
	p.key.clean(bytesOf(key))
	if p.tight() {
		if err := p.lookupImage(bytesOf(key), bytesOfSlice(values), flags, take); err != nil {
			return err
		}
	} else {
		image := p.image()
		defer p.scratch.Put(image)
		if err := p.lookupImage(bytesOf(key), *image, flags, take); err != nil {
			return err
		}
		for cpu := range values {
			copy(bytesOf(&values[cpu]), p.ofCPU(*image, cpu))
		}
	}
	p.value.mend(bytesOfSlice(values))
	return nil
}

func makePerCPU[K, V any](p *perCPU, key *K, take bool) ([]V, error) {
	values := make([]V, p.cpus)
	if err := getPerCPU(p, key, values, libbpf.Any, take); err != nil {
		return nil, err
	}
	return values, nil
}

func setPerCPU[K, V any](p *perCPU, key *K, values []V, flags libbpf.MapFlags) error {
	if err := p.checkValues(len(values)); err != nil {
		return err
	}
	p.key.clean(bytesOf(key))
	image := p.image()
	defer p.scratch.Put(image)
	for cpu := range values {
		copy(p.ofCPU(*image, cpu), bytesOf(&values[cpu]))
		p.value.clean(p.ofCPU(*image, cpu))
	}
	if p.object != nil {
		return p.object.UpdatePerCPUFrom(bytesOf(key), *image, flags)
	}
	return p.handle.UpdatePerCPUFrom(bytesOf(key), *image, flags)
}

// getManyPerCPU is getMany of values for each CPU: values has p.cpus elements for each key.
func getManyPerCPU[K, V any](p *perCPU, keys []K, values []V, found []bool, flags libbpf.MapFlags) (int, error) {
	if len(values) != len(keys)*p.cpus {
		return 0, p.refuse("there are %d values for %d keys and %d possible CPUs", len(values), len(keys), p.cpus)
	}
	if p.tight() {
		return getMany(&p.access, keys, values, found, flags)
	}
	image := make([]byte, len(values)*p.slot)
	n, err := p.mapCore().LookupMany(cleanSlice(&p.key, keys), image, found, flags)
	if n == 0 {
		return 0, err
	}
	for i := range values {
		if found[i/p.cpus] {
			copy(bytesOf(&values[i]), image[i*p.slot:])
		}
	}
	p.value.mend(bytesOfSlice(values))
	return n, err
}

// entriesPerCPU is entries with the values of all CPUs in one slice, which is used again for the next element.
func entriesPerCPU[K, V any](p *perCPU, err *error) iter.Seq2[K, []V] {
	return func(yield func(K, []V) bool) {
		n := p.batch(sizeOf[K]() + p.cpus*p.slot)
		keys := make([]K, n)
		var values []V
		var image []byte
		if p.tight() {
			values = make([]V, n*p.cpus)
			image = bytesOfSlice(values)
		} else {
			values, image = make([]V, p.cpus), make([]byte, n*p.cpus*p.slot)
		}
		var cursor libbpf.MapCursor
		for {
			got, more := p.read(&cursor, bytesOfSlice(keys), image, err)
			p.key.mend(bytesOfSlice(keys[:got]))
			for i, key := range keys[:got] {
				element := values
				if p.tight() {
					element = values[i*p.cpus : (i+1)*p.cpus : (i+1)*p.cpus]
				} else {
					for cpu := range element {
						copy(bytesOf(&element[cpu]), image[(i*p.cpus+cpu)*p.slot:])
					}
				}
				p.value.mend(bytesOfSlice(element))
				if !yield(key, element) {
					return
				}
			}
			if !more {
				return
			}
		}
	}
}

// PerCPUArray is an array with a V for each possible CPU at each index: a map of type [libbpf.MapTypePerCPUArray].
// Slices of values have [libbpf.PossibleCPUs] elements, in order.
type PerCPUArray[V any] struct{ p *perCPU }

// NewPerCPUArray makes a typed view of a map of type [libbpf.MapTypePerCPUArray] (Linux 4.6).
func NewPerCPUArray[V any](m libbpf.MapCore) (*PerCPUArray[V], error) {
	p, err := newPerCPU[uint32, V](m, libbpf.MapTypePerCPUArray)
	if err != nil {
		return nil, err
	}
	return &PerCPUArray[V]{p}, nil
}

func (m *PerCPUArray[V]) access() *perCPU {
	if m == nil || m.p == nil {
		return &closedPerCPU
	}
	return m.p
}

// Map is the map behind it.
func (m *PerCPUArray[V]) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *PerCPUArray[V]) Pin(path string) error { return m.access().pin(path) }

// Len is the number of elements, each of one value per CPU.
func (m *PerCPUArray[V]) Len() int { return m.access().len() }

// CPUs is the number of values in each element.
func (m *PerCPUArray[V]) CPUs() int { return m.access().cpus }

// Get is the value of each CPU at index, in a new slice (bpf_map_lookup_elem_flags): [libbpf.ErrKeyNotExist] beyond
// the end.
func (m *PerCPUArray[V]) Get(index uint32) ([]V, error) {
	return makePerCPU[uint32, V](m.access(), &index, false)
}

// GetInto is Get into the caller's slice of CPUs values, with flags. It does not allocate.
func (m *PerCPUArray[V]) GetInto(index uint32, values []V, flags libbpf.MapFlags) error {
	return getPerCPU(m.access(), &index, values, flags, false)
}

// GetMany reads the values of each CPU at indices, in their order, in one call into C (bpf_map_lookup_elem_flags for each),
// and returns how many were found. values has CPUs elements for each, and found one. An index beyond the end is no error:
// found is false for it, and its values stay as they were. Another error ends it and names the index by its number.
func (m *PerCPUArray[V]) GetMany(indices []uint32, values []V, found []bool, flags libbpf.MapFlags) (int, error) {
	return getManyPerCPU(m.access(), indices, values, found, flags)
}

// Set sets the value of each CPU at index; values has CPUs elements (bpf_map_update_elem): [libbpf.ErrIndexRange]
// beyond the end.
func (m *PerCPUArray[V]) Set(index uint32, values []V) error {
	return setPerCPU(m.access(), &index, values, libbpf.Any)
}

// Update is Set with flags.
func (m *PerCPUArray[V]) Update(index uint32, values []V, flags libbpf.MapFlags) error {
	return setPerCPU(m.access(), &index, values, flags)
}

// GetOn is the value of one CPU at index (BPF_F_CPU, Linux 7.0): see [libbpf.OnCPU].
func (m *PerCPUArray[V]) GetOn(index uint32, cpu uint32) (V, error) {
	var value V
	err := get(&m.access().access, &index, &value, libbpf.OnCPU(cpu))
	return value, err
}

// SetOn sets the value of one CPU at index (BPF_F_CPU, Linux 7.0).
func (m *PerCPUArray[V]) SetOn(index uint32, cpu uint32, value V) error {
	return set(&m.access().access, &index, &value, libbpf.OnCPU(cpu))
}

// SetAll sets the same value for all CPUs at index (BPF_F_ALL_CPUS, Linux 7.0).
func (m *PerCPUArray[V]) SetAll(index uint32, value V) error {
	return set(&m.access().access, &index, &value, libbpf.AllCPUs)
}

// All iterates over the elements in order, in batches underneath (bpf_map_lookup_batch, Linux 5.13; before that one by
// one). The slice is valid until the next step. When the loop ends early because of an error, that is in *err; err may
// be nil.
func (m *PerCPUArray[V]) All(err *error) iter.Seq2[uint32, []V] {
	return entriesPerCPU[uint32, V](m.access(), err)
}

// PerCPUHash is a hash table with a V for each possible CPU under each K: a map of type [libbpf.MapTypePerCPUHash], or
// as [LRUPerCPUHash] of type [libbpf.MapTypeLRUPerCPUHash]. Slices of values have [libbpf.PossibleCPUs] elements, in
// order.
type PerCPUHash[K, V any] struct{ p *perCPU }

// LRUPerCPUHash is a per-CPU hash table that makes room for a new element by dropping one that was not used lately
// (Linux 4.10).
type LRUPerCPUHash[K, V any] = PerCPUHash[K, V]

// NewPerCPUHash makes a typed view of a map of type [libbpf.MapTypePerCPUHash] (Linux 4.6).
func NewPerCPUHash[K, V any](m libbpf.MapCore) (*PerCPUHash[K, V], error) {
	return newPerCPUHash[K, V](m, libbpf.MapTypePerCPUHash)
}

// NewLRUPerCPUHash makes a typed view of a map of type [libbpf.MapTypeLRUPerCPUHash].
func NewLRUPerCPUHash[K, V any](m libbpf.MapCore) (*LRUPerCPUHash[K, V], error) {
	return newPerCPUHash[K, V](m, libbpf.MapTypeLRUPerCPUHash)
}

func newPerCPUHash[K, V any](m libbpf.MapCore, typ libbpf.MapType) (*PerCPUHash[K, V], error) {
	p, err := newPerCPU[K, V](m, typ)
	if err != nil {
		return nil, err
	}
	return &PerCPUHash[K, V]{p}, nil
}

func (h *PerCPUHash[K, V]) access() *perCPU {
	if h == nil || h.p == nil {
		return &closedPerCPU
	}
	return h.p
}

// Map is the map behind it.
func (h *PerCPUHash[K, V]) Map() libbpf.MapCore { return h.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (h *PerCPUHash[K, V]) Pin(path string) error { return h.access().pin(path) }

// Capacity is the number of elements, each of one value per CPU, that there is room for.
func (h *PerCPUHash[K, V]) Capacity() int { return h.access().len() }

// CPUs is the number of values in each element.
func (h *PerCPUHash[K, V]) CPUs() int { return h.access().cpus }

// Get is the value of each CPU under key, in a new slice (bpf_map_lookup_elem_flags): [libbpf.ErrKeyNotExist] when
// there is none.
func (h *PerCPUHash[K, V]) Get(key K) ([]V, error) { return makePerCPU[K, V](h.access(), &key, false) }

// GetInto is Get into the caller's slice of CPUs values, with flags. It does not allocate.
func (h *PerCPUHash[K, V]) GetInto(key K, values []V, flags libbpf.MapFlags) error {
	return getPerCPU(h.access(), &key, values, flags, false)
}

// GetMany reads the values of each CPU under keys, in their order, in one call into C (bpf_map_lookup_elem_flags for each),
// and returns how many were found. values has CPUs elements for each, and found one. An absent key is no error:
// found is false for it, and its values stay as they were. Another error ends it and names the key by its number.
func (h *PerCPUHash[K, V]) GetMany(keys []K, values []V, found []bool, flags libbpf.MapFlags) (int, error) {
	return getManyPerCPU(h.access(), keys, values, found, flags)
}

// Set sets the value of each CPU under key, whether there are some already or not; values has CPUs elements
// (bpf_map_update_elem): [libbpf.ErrMapFull] when there is no room.
func (h *PerCPUHash[K, V]) Set(key K, values []V) error {
	return setPerCPU(h.access(), &key, values, libbpf.Any)
}

// Insert is Set with flags: with [libbpf.NoExist] it is [libbpf.ErrKeyExist] if there are values already, with
// [libbpf.Exist] [libbpf.ErrKeyNotExist] if there are none.
func (h *PerCPUHash[K, V]) Insert(key K, values []V, flags libbpf.MapFlags) error {
	return setPerCPU(h.access(), &key, values, flags)
}

// GetOn is the value of one CPU under key (BPF_F_CPU, Linux 7.0): see [libbpf.OnCPU].
func (h *PerCPUHash[K, V]) GetOn(key K, cpu uint32) (V, error) {
	var value V
	err := get(&h.access().access, &key, &value, libbpf.OnCPU(cpu))
	return value, err
}

// SetOn sets the value of one CPU under key (BPF_F_CPU, Linux 7.0).
func (h *PerCPUHash[K, V]) SetOn(key K, cpu uint32, value V) error {
	return set(&h.access().access, &key, &value, libbpf.OnCPU(cpu))
}

// SetAll sets the same value for all CPUs under key (BPF_F_ALL_CPUS, Linux 7.0).
func (h *PerCPUHash[K, V]) SetAll(key K, value V) error {
	return set(&h.access().access, &key, &value, libbpf.AllCPUs)
}

// Delete removes the element (bpf_map_delete_elem): [libbpf.ErrKeyNotExist] when there is none.
func (h *PerCPUHash[K, V]) Delete(key K) error { return remove(&h.access().access, &key) }

// Take is Get and Delete in one step (bpf_map_lookup_and_delete_elem, Linux 5.14).
func (h *PerCPUHash[K, V]) Take(key K) ([]V, error) { return makePerCPU[K, V](h.access(), &key, true) }

// All iterates over the elements, in no order, in batches underneath (bpf_map_lookup_batch, Linux 5.6; before that one
// by one). The slice is valid until the next step. When the loop ends early because of an error, that is in *err; err
// may be nil. Elements that come or go meanwhile may be missed or come twice.
func (h *PerCPUHash[K, V]) All(err *error) iter.Seq2[K, []V] {
	return entriesPerCPU[K, V](h.access(), err)
}

// Keys is All without the values.
func (h *PerCPUHash[K, V]) Keys(err *error) iter.Seq[K] { return keysOf(h.All(err)) }

// Len counts the elements, by an iteration over all of them: the kernel keeps no count.
func (h *PerCPUHash[K, V]) Len() (int, error) {
	var err error
	return count(h.All(&err), &err)
}

// IsEmpty tells whether there is no element, which takes one step of an iteration. It allocates.
func (h *PerCPUHash[K, V]) IsEmpty() (bool, error) { return h.access().isEmpty() }
