package typed_test

import (
	"errors"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// batches are those of a kind, whose elements are Vs, one for a key or many.
type batches[K, V any] interface {
	LookupBatch(*libbpf.MapCursor, []K, []V, libbpf.MapFlags) (int, error)
	UpdateBatch([]K, []V, libbpf.MapFlags) (int, error)
}

type deletions[K, V any] interface {
	batches[K, V]
	DeleteBatch([]K) (int, error)
}

type takes[K, V any] interface {
	deletions[K, V]
	LookupAndDeleteBatch(*libbpf.MapCursor, []K, []V, libbpf.MapFlags) (int, error)
}

// readAll reads a map by batches of two elements, of each values for a key.
func readAll[K comparable, V any](
	t *testing.T, each int, read func(*libbpf.MapCursor, []K, []V, libbpf.MapFlags) (int, error),
) map[K][]V {
	t.Helper()
	var cursor libbpf.MapCursor
	found := make(map[K][]V)
	for {
		keys, values := make([]K, 2), make([]V, 2*each)
		n, err := read(&cursor, keys, values, libbpf.Any)
		if errors.Is(err, io.EOF) {
			equal(t, "elements at the end", n, 0)
			return found
		}
		check(t, err)
		for i, key := range keys[:n] {
			if _, twice := found[key]; twice {
				t.Errorf("%v comes twice", key)
			}
			found[key] = values[i*each : (i+1)*each]
		}
	}
}

// testBatches sets and reads elements, and removes them if m can do that. want has each values for a key.
func testBatches[K, V comparable](t *testing.T, m batches[K, V], each int, keys []K, values []V) {
	t.Helper()
	before, beforeValues := slices.Clone(keys), slices.Clone(values)
	want := make(map[K][]V)
	for i, key := range keys {
		want[key] = values[i*each : (i+1)*each]
	}
	set := func() {
		t.Helper()
		equal(t, "updated", must[int](t)(m.UpdateBatch(keys, values, libbpf.Any)), len(keys))
	}
	set()
	if !slices.Equal(keys, before) || !slices.Equal(values, beforeValues) {
		t.Error("the caller's elements changed")
	}
	same := func(got map[K][]V) {
		t.Helper()
		if !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("elements %v, want %v", got, want)
		}
	}
	same(readAll(t, each, m.LookupBatch))
	wantErr(t, second(m.UpdateBatch(keys, values[1:], libbpf.Any)), libbpf.ErrInvalid)
	var cursor libbpf.MapCursor
	wantErr(t, second(m.LookupBatch(&cursor, keys, values[1:], libbpf.Any)), libbpf.ErrInvalid)
	d, ok := m.(deletions[K, V])
	if !ok {
		return
	}
	equal(t, "deleted", must[int](t)(d.DeleteBatch(keys[:1])), 1)
	wantErr(t, second(d.DeleteBatch(keys)), libbpf.ErrKeyNotExist)
	delete(want, keys[0])
	same(readAll(t, each, m.LookupBatch))
	take, ok := m.(takes[K, V])
	if !ok {
		return
	}
	same(readAll(t, each, take.LookupAndDeleteBatch))
	clear(want)
	same(readAll(t, each, m.LookupBatch))
}

func TestBatches(t *testing.T) {
	t.Run("hash", func(t *testing.T) {
		testBatches(t, must[*typed.Hash[uint32, uint64]](t)(typed.NewHash[uint32, uint64](
			create(t, libbpf.MapTypeHash, 4, 8, 16))), 1, []uint32{1, 2, 3, 4, 5}, []uint64{10, 20, 30, 40, 50})
	})
	t.Run("hash with padding", func(t *testing.T) {
		testBatches(t, must[*typed.Hash[padded, padded]](t)(typed.NewHash[padded, padded](
			create(t, libbpf.MapTypeHash, 12, 12, 16))), 1,
			[]padded{dirty(1, 2, true), dirty(3, 4, false), dirty(5, 6, true)},
			[]padded{dirty(7, 8, true), dirty(9, 1, false), dirty(2, 3, true)})
	})
	t.Run("array", func(t *testing.T) {
		testBatches(t, must[*typed.Array[uint16]](t)(typed.NewArray[uint16](
			create(t, libbpf.MapTypeArray, 4, 2, 3))), 1, []uint32{0, 1, 2}, []uint16{7, 8, 9})
	})
	t.Run("trie", func(t *testing.T) {
		testTrieBatches(t, [4]byte{10}, [4]byte{192, 168})
		testTrieBatches(t, [6]byte{10}, [6]byte{0, 1, 2, 3, 4, 5}) // with bytes behind it that the map does not have
		testTrieBatches[uint64](t, 0x0a, 0xa8c0)                   // with bytes in front of it
		testTrieBatches(t, holed{10, 1}, holed{20, 2})             // with padding
	})
	t.Run("per CPU", func(t *testing.T) {
		testPerCPUBatches(t, func(i int) uint64 { return uint64(i) << 32 })
		testPerCPUBatches(t, func(i int) [5]byte { return [5]byte{4: byte(i)} })
		testPerCPUBatches(t, func(i int) padded { return dirty(uint8(i), uint32(i), i%2 == 0) })
	})
}

func testTrieBatches[K comparable](t *testing.T, a, b K) {
	t.Helper()
	size := uint32(4 + sizeOf(a))
	m := createWith(t, libbpf.MapTypeLPMTrie, size, 4, 16, libbpf.MapCreateOptions{Flags: libbpf.CreateNoPrealloc})
	trie := must[*typed.LPMTrie[K, uint32]](t)(typed.NewLPMTrie[K, uint32](m))
	keys := []typed.LPMKey[K]{{PrefixLen: 16, Data: a}, {PrefixLen: 8*size - 32, Data: b}}
	for i, key := range keys {
		check(t, trie.Update(key, uint32(i), libbpf.NoExist))
		equal(t, "value", must[uint32](t)(trie.Lookup(key, libbpf.Any)), uint32(i))
	}
	values, found := make([]uint32, 2), make([]bool, 2)
	equal(t, "found", must[int](t)(trie.LookupMany(keys, values, found, libbpf.Any)), 2)
	if !slices.Equal(values, []uint32{0, 1}) {
		t.Errorf("values %v", values)
	}
	checkAll(t, trie.All, map[typed.LPMKey[K]]uint32{keys[0]: 0, keys[1]: 1})
	checkKeys(t, trie.Keys, keys...)
	noAllocs(t, map[string]func(){"lookup": func() { _, _ = trie.Lookup(keys[0], libbpf.Any) }})
	testBatches(t, trie, 1, keys, []uint32{7, 8})
}

func testPerCPUBatches[V comparable](t *testing.T, value func(i int) V) {
	t.Helper()
	size := uint32(sizeOf(value(0)))
	hash := must[*typed.PerCPUHash[uint32, V]](t)(typed.NewPerCPUHash[uint32, V](
		create(t, libbpf.MapTypePerCPUHash, 4, size, 16)))
	array := must[*typed.PerCPUArray[V]](t)(typed.NewPerCPUArray[V](create(t, libbpf.MapTypePerCPUArray, 4, size, 3)))
	values := make([]V, 3*hash.PossibleCPUs())
	for i := range values {
		values[i] = value(i + 1)
	}
	testBatches(t, hash, hash.PossibleCPUs(), []uint32{0, 1, 2}, values)
	testBatches(t, array, hash.PossibleCPUs(), []uint32{0, 1, 2}, values)
}
