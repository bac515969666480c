package typed

import "github.com/libbpf-go/libbpf-go"

// BloomFilter is a set of Vs that answers "maybe" or "no": a map of type [libbpf.MapTypeBloomFilter]. The kernel can't
// remove its values or list them. MaxEntries is how many values it was made for; it takes more, and then answers
// "maybe" more often.
type BloomFilter[V any] struct{ view }

// NewBloomFilter returns a typed view of a map of type [libbpf.MapTypeBloomFilter] (Linux 5.16). The error matches
// [libbpf.ErrInvalid] when the map is of another type, or its values are not as large as a V.
func NewBloomFilter[V any](m libbpf.MapCore) (*BloomFilter[V], error) {
	f := new(BloomFilter[V])
	return orNil(f, openKeyless[V](&f.view, m, libbpf.MapTypeBloomFilter))
}

// Update adds a value (bpf_map_update_elem). The kernel takes no flags but [libbpf.Any]. It does not allocate.
func (f *BloomFilter[V]) Update(value V, flags libbpf.MapFlags) error {
	return f.update(nil, f.value.encode(bytesOf(&value)), flags)
}

// Lookup tells whether value may have been added (bpf_map_lookup_elem). False is certain. It does not allocate.
func (f *BloomFilter[V]) Lookup(value V) (bool, error) {
	b := f.value.encode(bytesOf(&value))
	if f.object != nil {
		return f.object.LookupBloomFilter(b)
	}
	return f.mapHandle().LookupBloomFilter(b)
}
