package main

import (
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// batches compares setting, and adding and deleting, many elements of a hash table in one call.
func batches(*libbpf.Object) ([]comparison, error) {
	const n = 10_000
	return []comparison{
		{title: "update in batches of 256, hash of " + count(n), ops: n, share: oneOfSome, open: func(opened *closers) ([]contender, error) {
			return batchesOf(n, false, opened)
		}},
		{title: "add and delete in batches of 256, a pair, hash of " + count(n), ops: n, share: oneOfSome, open: func(opened *closers) ([]contender, error) {
			return batchesOf(n, true, opened)
		}},
	}, nil
}

func batchesOf(n int, pairs bool, opened *closers) ([]contender, error) {
	ours, err := libbpf.CreateMap(libbpf.MapTypeHash, "batches", 8, 8, uint32(n), libbpf.MapCreateOptions{})
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
	keys, err := fill(ours, n)
	if err != nil {
		return nil, err
	}
	bytes := func(keys []uint64) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(&keys[0])), 8*len(keys)) }
	all := func(update, remove func(keys []uint64) (int, error)) func() (int, error) {
		return func() (int, error) {
			done, err := inBatches(keys, update)
			if err == nil && pairs {
				done, err = inBatches(keys, remove)
			}
			return done, err
		}
	}
	names := []string{"C bpf_map_update_batch", "Map.UpdateBatch", "typed Hash.UpdateBatch", "cilium Map.BatchUpdate"}
	if pairs {
		names = []string{"C bpf_map_update_batch, bpf_map_delete_batch", "Map.UpdateBatch, DeleteBatch", "typed Hash.UpdateBatch, DeleteBatch",
			"cilium Map.BatchUpdate, BatchDelete"}
	}
	return []contender{
		{name: names[0], run: all(
			func(keys []uint64) (int, error) { return cUpdateBatch(ours.FD(), keys) },
			func(keys []uint64) (int, error) { return cDeleteBatch(ours.FD(), keys) },
		)},
		{name: names[1], mostC: mostMany, peer: names[3], mostPeer: 1, run: all(
			func(keys []uint64) (int, error) { return ours.UpdateBatch(bytes(keys), bytes(keys), libbpf.Any) },
			func(keys []uint64) (int, error) { return ours.DeleteBatch(bytes(keys)) },
		)},
		{name: names[2], mostC: mostMany, peer: names[3], mostPeer: 1, run: all(
			func(keys []uint64) (int, error) { return hash.UpdateBatch(keys, keys, libbpf.Any) },
			func(keys []uint64) (int, error) { return hash.DeleteBatch(keys) },
		)},
		{name: names[3], run: all(
			func(keys []uint64) (int, error) {
				return theirs.BatchUpdate(keys, keys, &ebpf.BatchOptions{ElemFlags: uint64(ebpf.UpdateAny)})
			},
			func(keys []uint64) (int, error) { return theirs.BatchDelete(keys, nil) },
		)},
	}, nil
}

// inBatches calls do with the keys, so many at once as LookupMany gets.
func inBatches(keys []uint64, do func([]uint64) (int, error)) (int, error) {
	sum := 0
	for chunk := range slices.Chunk(keys, many) {
		n, err := do(chunk)
		if err != nil {
			return sum, err
		}
		sum += n
	}
	return sum, nil
}
