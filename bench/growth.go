package main

import (
	"fmt"
	"os"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// lookupsByKeys compares lookups in hash tables of more and more keys: the more there are, the less of them is in the CPU's
// caches, and the less the rest matters.
func lookupsByKeys(*libbpf.Object) (comparisons []comparison, err error) {
	const ops = 10_000
	for n := 10; n <= 1_000_000; n *= 10 {
		comparisons = append(comparisons, comparison{
			title: fmt.Sprintf("lookup by number of keys: %s", count(n)), curve: "lookup of one key of a hash", at: float64(n),
			share: oneOfMany, ops: ops, open: func(opened *closers) ([]contender, error) { return lookupsOf(n, ops, opened) },
		})
	}
	return comparisons, nil
}

func lookupsOf(n, ops int, opened *closers) ([]contender, error) {
	ours, err := libbpf.CreateMap(libbpf.MapTypeHash, "keys", 8, 8, uint32(n), libbpf.MapCreateOptions{})
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
	all, err := fill(ours, n)
	if err != nil {
		return nil, err
	}
	// Each run looks up other keys of a large table.
	keys := make([]uint64, ops)
	next := 0
	prepare := func() error {
		for i := range keys {
			keys[i] = all[next]
			next = (next + 1) % n
		}
		return nil
	}
	raw, value := rawKeysOf(keys), make([]byte, 8)
	contenders := []contender{
		{name: "C bpf_map_lookup_elem", run: func() (int, error) { return cLookupAll(ours.FD(), raw, value) }},
		{name: "Map.LookupInto", mostC: mostElement, run: func() (int, error) { return lookupInto(ours)(keys) }},
		{name: "typed Hash.Lookup", mostC: mostElement, run: func() (int, error) { return typedLookup(hash)(keys) }},
		{name: "Map.LookupMany", mostC: mostMany, run: func() (int, error) { return lookupMany(ours)(keys) }},
		{name: "cilium Map.Lookup", run: func() (int, error) { return ciliumLookup(theirs)(keys) }},
	}
	for i := range contenders {
		contenders[i].prepare = prepare
	}
	return contenders, nil
}

// loadsByPrograms compares loading objects of more and more programs.
func loadsByPrograms(*libbpf.Object) (comparisons []comparison, err error) {
	for _, n := range []int{1, 10, 50, 100, 200} {
		path := fmt.Sprintf("bpf/many%d.bpf.o", n)
		if n == 200 {
			path = manyObject
		}
		image, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		comparisons = append(comparisons, comparison{
			title: fmt.Sprintf("load by number of programs: %d", n), curve: "load an object of programs", at: float64(n),
			share: oneOfSome, ops: 1, contenders: loaders(image),
		})
	}
	return comparisons, nil
}
