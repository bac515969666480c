package main

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/libbpf-go/libbpf-go"
)

// memory compares reading the values of an array that is mapped into memory: each read is the CPU's, and sees what
// programs write meanwhile. 5 ns are the most that one should take.
func memory(*libbpf.Object) ([]comparison, error) {
	const n, rounds = 512, 200
	m, err := libbpf.CreateMap(libbpf.MapTypeArray, "mapped", 4, 8, n, libbpf.MapCreateOptions{Flags: libbpf.CreateMMapable})
	if err != nil {
		return nil, err
	}
	for i := range uint32(n) {
		key, value := binary.NativeEndian.AppendUint32(nil, i), binary.NativeEndian.AppendUint64(nil, uint64(i))
		if err := m.Update(key, value, libbpf.Any); err != nil {
			return nil, err
		}
	}
	mapped, err := m.Memory()
	if err != nil {
		return nil, err
	}
	all := func(sum func() (uint64, error)) func() (int, error) {
		return func() (int, error) {
			for range rounds {
				if got, err := sum(); err != nil || got != n*(n-1)/2 {
					return 0, fmt.Errorf("the values' sum is %d (%v)", got, err)
				}
			}
			return n * rounds, nil
		}
	}
	values, err := libbpf.MemoryAt[[n]uint64](mapped, 0)
	if err != nil {
		return nil, err
	}
	return []comparison{{title: "value of a mapped array", ops: n * rounds, contenders: []contender{
		{name: "C volatile", run: all(func() (uint64, error) { return cSum(values[:]), nil })},
		{name: "through MemoryAt", mostC: mostMapped, run: all(func() (sum uint64, _ error) {
			for i := range values {
				sum += atomic.LoadUint64(&values[i])
			}
			return sum, nil
		})},
		{name: "MemoryAt for each", run: all(func() (sum uint64, _ error) {
			for i := range n {
				value, err := libbpf.MemoryAt[uint64](mapped, 8*i)
				if err != nil {
					return 0, err
				}
				sum += atomic.LoadUint64(value)
			}
			return sum, nil
		})},
	}}}, nil
}
