package typed

import (
	"encoding/binary"
	"iter"
	"reflect"

	"github.com/libbpf-go/libbpf-go"
)

// LPMTrie finds the V of the longest prefix that matches: a map of type [libbpf.MapTypeLPMTrie]. Its keys in the map
// are a prefix length and a K, without anything in between.
//
// Prefixes are compared from the first byte on, and from each byte's highest bit. So K is best an array of bytes such
// as [4]byte for an IPv4 address; integers must be in big-endian order.
type LPMTrie[K, V any] struct{ a access }

// LPMKey is a key of an [LPMTrie]: the first PrefixLen bits of Data.
type LPMKey[K any] struct {
	PrefixLen uint32 // in bits
	Data      K
}

// Longer keys the kernel does not have: a prefix length and 256 bytes.
const lpmPrefix, lpmLongest = 4, 4 + 256

// NewLPMTrie makes a typed view of a map of type [libbpf.MapTypeLPMTrie] (Linux 4.11). A key of the map has 4 bytes
// more than a K.
func NewLPMTrie[K, V any](m libbpf.MapCore) (*LPMTrie[K, V], error) {
	a, err := newAccess(m, libbpf.MapTypeLPMTrie)
	if err == nil {
		err = a.checkKey(reflect.TypeFor[K](), lpmPrefix)
	}
	if err == nil {
		err = a.checkValue(reflect.TypeFor[V]())
	}
	if err != nil {
		return nil, err
	}
	return &LPMTrie[K, V]{a}, nil
}

func (t *LPMTrie[K, V]) access() *access {
	if t == nil {
		return &closed
	}
	return &t.a
}

// encode lays a key out in buffer.
func (k *LPMKey[K]) encode(l *layout, buffer *[lpmLongest]byte) []byte {
	binary.NativeEndian.PutUint32(buffer[:], k.PrefixLen)
	n := lpmPrefix + copy(buffer[lpmPrefix:], bytesOf(&k.Data))
	l.clean(buffer[lpmPrefix:n])
	return buffer[:n]
}

// Map is the map behind it.
func (t *LPMTrie[K, V]) Map() libbpf.MapCore { return t.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (t *LPMTrie[K, V]) Pin(path string) error { return t.access().pin(path) }

// Capacity is the number of prefixes that there is room for.
func (t *LPMTrie[K, V]) Capacity() int { return t.access().len() }

// Get is the value of the longest prefix that matches the first PrefixLen bits of key's data, which is all of them
// when looking for an address (bpf_map_lookup_elem): [libbpf.ErrKeyNotExist] when none does.
func (t *LPMTrie[K, V]) Get(key LPMKey[K]) (V, error) {
	var value V
	var buffer [lpmLongest]byte
	a := t.access()
	if err := a.lookup(key.encode(&a.key, &buffer), bytesOf(&value), libbpf.Any); err != nil {
		return value, err
	}
	a.value.mend(bytesOf(&value))
	return value, nil
}

// Set sets the value of a prefix, whether there is one already or not (bpf_map_update_elem): [libbpf.ErrMapFull] when
// there is no room; errors.Is(err, unix.EINVAL) when it has more bits than a K.
func (t *LPMTrie[K, V]) Set(key LPMKey[K], value V) error { return t.Insert(key, value, libbpf.Any) }

// Insert is Set with flags: with [libbpf.NoExist] it is [libbpf.ErrKeyExist] if there is a value already, with
// [libbpf.Exist] [libbpf.ErrKeyNotExist] if there is none.
func (t *LPMTrie[K, V]) Insert(key LPMKey[K], value V, flags libbpf.MapFlags) error {
	var buffer [lpmLongest]byte
	a := t.access()
	a.value.clean(bytesOf(&value))
	return a.update(key.encode(&a.key, &buffer), bytesOf(&value), flags)
}

// Delete removes exactly this prefix (bpf_map_delete_elem): [libbpf.ErrKeyNotExist] when it is not there.
func (t *LPMTrie[K, V]) Delete(key LPMKey[K]) error {
	var buffer [lpmLongest]byte
	a := t.access()
	return a.delete(key.encode(&a.key, &buffer))
}

// All iterates over the prefixes, longer ones before those that they are in, in batches underneath
// (bpf_map_lookup_batch, Linux 5.13; before that one by one; Linux 4.16). When the loop ends early because of an
// error, that is in *err; err may be nil. Prefixes that come or go meanwhile may be missed or come twice.
func (t *LPMTrie[K, V]) All(err *error) iter.Seq2[LPMKey[K], V] {
	return func(yield func(LPMKey[K], V) bool) {
		a := t.access()
		size := lpmPrefix + sizeOf[K]()
		n := a.batch(size + sizeOf[V]())
		keys, values := make([]byte, n*size), make([]V, n)
		var cursor libbpf.MapCursor
		for {
			got, more := a.read(&cursor, keys, bytesOfSlice(values), err)
			a.value.mend(bytesOfSlice(values[:got]))
			for i, value := range values[:got] {
				b := keys[i*size : (i+1)*size]
				key := LPMKey[K]{PrefixLen: binary.NativeEndian.Uint32(b)}
				copy(bytesOf(&key.Data), b[lpmPrefix:])
				a.key.mend(bytesOf(&key.Data))
				if !yield(key, value) {
					return
				}
			}
			if !more {
				return
			}
		}
	}
}

// Keys is All without the values.
func (t *LPMTrie[K, V]) Keys(err *error) iter.Seq[LPMKey[K]] { return keysOf(t.All(err)) }

// Len counts the prefixes, by an iteration over all of them: the kernel keeps no count.
func (t *LPMTrie[K, V]) Len() (int, error) {
	var err error
	return count(t.All(&err), &err)
}

// IsEmpty tells whether there is no prefix, which takes one step of an iteration. It allocates.
func (t *LPMTrie[K, V]) IsEmpty() (bool, error) { return t.access().isEmpty() }
