package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// The targets for maps.
const (
	mostElement   = 1.25 // of C
	mostMany      = 1.10 // of C, many keys in one call
	mostMapped    = 2    // of C; it should take less than 5 ns
	mostEntry     = 1.2  // of C's batches
	mostOfIterate = 0.2  // of cilium/ebpf's Map.Iterate
)

// fill sets n keys, which it returns in no order, to themselves.
func fill(m libbpf.MapCore, n int) ([]uint64, error) {
	keys := make([]uint64, n)
	raw := make([]byte, 0, 8*n)
	for i, key := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		keys[i] = uint64(key)
		raw = binary.NativeEndian.AppendUint64(raw, keys[i])
	}
	_, err := m.UpdateBatch(raw, raw, libbpf.Any)
	return keys, err
}

// elements compares lookup and update of single elements, of 8 bytes each, in a hash table with 10,000.
func elements(o *libbpf.Object) ([]comparison, error) {
	ours, err := o.Map("elements")
	if err != nil {
		return nil, err
	}
	c, err := newCMap(object, "elements", ours.FD())
	if err != nil {
		return nil, err
	}
	hash, err := typed.NewHash[uint64, uint64](ours)
	if err != nil {
		return nil, err
	}
	theirs, err := cilium(ours)
	if err != nil {
		return nil, err
	}
	keys, err := fill(ours, 10_000)
	if err != nil {
		return nil, err
	}
	absent := make([]uint64, len(keys))
	for i, key := range keys {
		absent[i] = key + 1<<32
	}
	lookup := func(title string, keys []uint64, found int) comparison {
		all := func(f func([]uint64) (int, error)) func() (int, error) {
			return func() (int, error) {
				n, err := f(keys)
				if err == nil && n != found {
					err = fmt.Errorf("%d keys found, not %d", n, found)
				}
				return len(keys), err
			}
		}
		return comparison{title: title, ops: len(keys), contenders: []contender{
			{name: "C bpf_map__lookup_elem", run: all(c.lookup)},
			{name: "C bpf_map_lookup_elem", run: all(c.fdLookup)},
			{name: "Map.LookupInto", run: all(lookupInto(ours)), peer: "cilium Map.Lookup", mostC: mostElement, mostPeer: 1},
			{name: "typed Hash.Lookup", run: all(typedLookup(hash)), peer: "cilium Map.Lookup", mostC: mostElement, mostPeer: 1},
			{name: "Map.LookupMany", run: all(lookupMany(ours)), mostC: mostMany},
			{name: "typed Hash.LookupMany", run: all(typedLookupMany(hash)), mostC: mostMany},
			{name: "cilium Map.Lookup", run: all(ciliumLookup(theirs))},
		}}
	}
	update := comparison{title: "update, hash of 10,000", ops: len(keys), contenders: []contender{
		{name: "C bpf_map__update_elem", run: func() (int, error) { return c.update(keys) }},
		{name: "C bpf_map_update_elem", run: func() (int, error) { return c.fdUpdate(keys) }},
		{
			name: "Map.Update", run: func() (int, error) { return update(ours, keys) },
			peer: "cilium Map.Update", mostC: mostElement, mostPeer: 1,
		},
		{
			name: "typed Hash.Update", run: func() (int, error) { return typedUpdate(hash, keys) },
			peer: "cilium Map.Update", mostC: mostElement, mostPeer: 1,
		},
		{name: "cilium Map.Update", run: func() (int, error) { return ciliumUpdate(theirs, keys) }},
	}}
	return []comparison{
		lookup("lookup that hits, hash of 10,000", keys, len(keys)),
		lookup("lookup that misses, hash of 10,000", absent, 0),
		update,
	}, nil
}

func lookupInto(m libbpf.MapCore) func([]uint64) (int, error) {
	return func(keys []uint64) (int, error) {
		found := 0
		var key, value [8]byte
		for _, k := range keys {
			binary.NativeEndian.PutUint64(key[:], k)
			switch err := m.LookupInto(key[:], value[:], libbpf.Any); {
			case err == nil:
				found++
			case !errors.Is(err, libbpf.ErrKeyNotExist):
				return found, err
			}
		}
		return found, nil
	}
}

func typedLookup(m *typed.Hash[uint64, uint64]) func([]uint64) (int, error) {
	return func(keys []uint64) (int, error) {
		found := 0
		for _, key := range keys {
			switch _, err := m.Lookup(key, libbpf.Any); {
			case err == nil:
				found++
			case !errors.Is(err, libbpf.ErrKeyNotExist):
				return found, err
			}
		}
		return found, nil
	}
}

// many is how many keys are looked up in one call.
const many = 256

func lookupMany(m libbpf.MapCore) func([]uint64) (int, error) {
	values, found := make([]byte, 8*many), make([]bool, many)
	return func(keys []uint64) (int, error) {
		sum := 0
		for chunk := range slices.Chunk(keys, many) {
			raw := unsafe.Slice((*byte)(unsafe.Pointer(&chunk[0])), 8*len(chunk))
			n, err := m.LookupMany(raw, values[:len(raw)], found[:len(chunk)], libbpf.Any)
			if err != nil {
				return sum, err
			}
			sum += n
		}
		return sum, nil
	}
}

func typedLookupMany(m *typed.Hash[uint64, uint64]) func([]uint64) (int, error) {
	values, found := make([]uint64, many), make([]bool, many)
	return func(keys []uint64) (int, error) {
		sum := 0
		for chunk := range slices.Chunk(keys, many) {
			n, err := m.LookupMany(chunk, values[:len(chunk)], found[:len(chunk)], libbpf.Any)
			if err != nil {
				return sum, err
			}
			sum += n
		}
		return sum, nil
	}
}

func ciliumLookup(m *ebpf.Map) func([]uint64) (int, error) {
	return func(keys []uint64) (int, error) {
		found := 0
		var key, value uint64
		for _, key = range keys {
			switch err := m.Lookup(&key, &value); {
			case err == nil:
				found++
			case !errors.Is(err, ebpf.ErrKeyNotExist):
				return found, err
			}
		}
		return found, nil
	}
}

func update(m *libbpf.Map, keys []uint64) (int, error) {
	var key [8]byte
	for _, k := range keys {
		binary.NativeEndian.PutUint64(key[:], k)
		if err := m.Update(key[:], key[:], libbpf.Any); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

func typedUpdate(m *typed.Hash[uint64, uint64], keys []uint64) (int, error) {
	for _, key := range keys {
		if err := m.Update(key, key, libbpf.Any); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

func ciliumUpdate(m *ebpf.Map, keys []uint64) (int, error) {
	var key uint64
	for _, key = range keys {
		if err := m.Update(&key, &key, ebpf.UpdateAny); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// entries compares reading all of a hash table, of 10 entries to 1,000,000.
func entries(*libbpf.Object) (comparisons []comparison, err error) {
	for n := 10; n <= 1_000_000; n *= 10 {
		comparisons = append(comparisons, comparison{
			title: "all entries, hash of " + count(n), curve: "all entries of a hash", at: float64(n), share: oneOfSome,
			ops: n * max(100_000/n, 1), open: func(opened *closers) ([]contender, error) { return entriesOf(n, opened) },
		})
	}
	return comparisons, nil
}

func entriesOf(n int, opened *closers) ([]contender, error) {
	const batch = 1024
	ours, err := libbpf.CreateMap(libbpf.MapTypeHash, "entries", 8, 8, uint32(n), libbpf.MapCreateOptions{})
	if err != nil {
		return nil, err
	}
	opened.add(ours)
	hash, err := typed.NewHash[uint64, uint64](ours)
	if err != nil {
		return nil, err
	}
	theirs, err := cilium(ours)
	if err != nil {
		return nil, err
	}
	opened.add(theirs)
	if _, err := fill(ours, n); err != nil {
		return nil, err
	}
	keys, values := make([]uint64, batch), make([]uint64, batch)
	rawKeys, rawValues := make([]byte, 8*batch), make([]byte, 8*batch)
	// Each adds the values up, so that each has had them in hand. A small table is read several times.
	all := func(f func(sum *uint64) (int, error)) func() (int, error) {
		return func() (seen int, err error) {
			for range max(100_000/n, 1) {
				sum := uint64(0)
				got, err := f(&sum)
				if err == nil && sum != uint64(n)*uint64(n-1)/2 {
					err = fmt.Errorf("the values' sum is %d", sum)
				}
				if err != nil {
					return seen, err
				}
				seen += got
			}
			return seen, nil
		}
	}
	contenders := []contender{
		{name: "C bpf_map_lookup_batch", run: all(func(sum *uint64) (int, error) {
			return cEntries(ours.FD(), keys, values, sum)
		})},
		{
			name: "Map.All", peer: "cilium Map.BatchLookup", mostC: mostEntry,
			run: all(func(sum *uint64) (seen int, err error) {
				for _, value := range ours.All(&err) {
					*sum += binary.NativeEndian.Uint64(value)
					seen++
				}
				return seen, err
			}),
		},
		{
			name: "typed Hash.All", peer: "cilium Map.BatchLookup", mostC: mostEntry,
			run: all(func(sum *uint64) (seen int, err error) {
				for _, value := range hash.All(&err) {
					*sum += value
					seen++
				}
				return seen, err
			}),
		},
		{
			name: "Map.LookupBatch", peer: "cilium Map.BatchLookup", mostC: mostEntry, mostPeer: 1,
			run: all(func(sum *uint64) (seen int, err error) {
				var cursor libbpf.MapCursor
				for {
					got, err := ours.LookupBatch(&cursor, rawKeys, rawValues, libbpf.Any)
					if got == 0 {
						return seen, eof(err)
					}
					for i := range got {
						*sum += binary.NativeEndian.Uint64(rawValues[8*i:])
					}
					seen += got
				}
			}),
		},
		{name: "cilium Map.BatchLookup", run: all(func(sum *uint64) (seen int, err error) {
			var cursor ebpf.MapBatchCursor
			for {
				got, err := theirs.BatchLookup(&cursor, keys, values, nil)
				for _, value := range values[:got] {
					*sum += value
				}
				seen += got
				if err != nil {
					if errors.Is(err, ebpf.ErrKeyNotExist) {
						err = nil
					}
					return seen, err
				}
			}
		})},
	}
	// It takes seconds for a million.
	if n <= 100_000 {
		contenders = append(contenders, contender{name: iterateAll, run: all(func(sum *uint64) (seen int, err error) {
			var key, value uint64
			iterator := theirs.Iterate()
			for iterator.Next(&key, &value) {
				*sum += value
				seen++
			}
			return seen, iterator.Err()
		})})
		for i := range contenders[1:3] {
			all := &contenders[1+i]
			all.peer, all.mostPeer = iterateAll, mostOfIterate
		}
	}
	return contenders, nil
}

const iterateAll = "cilium Map.Iterate"
