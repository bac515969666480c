package typed

import "github.com/libbpf-go/libbpf-go"

// BloomFilter is a set of Vs that says "maybe" or "no": a map of type [libbpf.MapTypeBloomFilter]. Nothing can be
// removed from it, and its values can't be listed.
type BloomFilter[V any] struct{ a access }

// NewBloomFilter makes a typed view of a map of type [libbpf.MapTypeBloomFilter] (Linux 5.16).
func NewBloomFilter[V any](m libbpf.MapCore) (*BloomFilter[V], error) {
	a, err := newKeyless[V](m, libbpf.MapTypeBloomFilter)
	if err != nil {
		return nil, err
	}
	return &BloomFilter[V]{a}, nil
}

func (f *BloomFilter[V]) access() *access {
	if f == nil {
		return &closed
	}
	return &f.a
}

// Map is the map behind it.
func (f *BloomFilter[V]) Map() libbpf.MapCore { return f.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (f *BloomFilter[V]) Pin(path string) error { return f.access().pin(path) }

// Capacity is the number of values that the filter was made for. It takes more, and then says "maybe" more often.
func (f *BloomFilter[V]) Capacity() int { return f.access().len() }

// Insert adds a value (bpf_map_update_elem).
func (f *BloomFilter[V]) Insert(value V) error {
	a := f.access()
	a.value.clean(bytesOf(&value))
	return a.update(nil, bytesOf(&value), libbpf.Any)
}

// Contains tells whether value may have been inserted; false is certain (bpf_map_lookup_elem).
func (f *BloomFilter[V]) Contains(value V) (bool, error) {
	a := f.access()
	a.value.clean(bytesOf(&value))
	if a.object != nil {
		return a.object.LookupBloomFilter(bytesOf(&value))
	}
	return a.handle.LookupBloomFilter(bytesOf(&value))
}
