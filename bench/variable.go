package main

import (
	"bytes"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/bench/globals"
	"github.com/libbpf-go/libbpf-go/typed"
)

// variables compares storing and loading a global variable of a program, through a skeleton that bpfgo gen made.
func variables(*libbpf.Object) ([]comparison, error) {
	const n = 100_000
	return []comparison{
		{title: "store a global variable", ops: n, share: oneOfMany, open: func(opened *closers) ([]contender, error) {
			v, err := newVariable(opened)
			if err != nil {
				return nil, err
			}
			// What is there then is the last number.
			all := func(store func() error) func() (int, error) {
				return func() (int, error) {
					v.skeleton.Bss.Counter = 0
					if err := store(); err != nil {
						return 0, err
					}
					if v.skeleton.Bss.Counter != n-1 {
						return 0, fmt.Errorf("the variable is %d", v.skeleton.Bss.Counter)
					}
					return n, nil
				}
			}
			return []contender{
				{name: "C, of a skeleton", run: all(func() error { cStore(&v.skeleton.Bss.Counter, n); return nil })},
				{name: "field of a skeleton", mostC: mostMapped, peer: "cilium Variable", mostPeer: 1, run: all(func() error {
					bss := v.skeleton.Bss
					for i := range uint64(n) {
						bss.Counter = i
					}
					return nil
				})},
				{name: "typed Global", peer: "cilium Variable", mostPeer: 1, run: all(func() error {
					for i := range uint64(n) {
						if err := v.global.Set(i); err != nil {
							return err
						}
					}
					return nil
				})},
				{name: "cilium Variable", run: all(func() error {
					for i := range uint64(n) {
						if err := v.theirs.Set(i); err != nil {
							return err
						}
					}
					// It has a variable of its own.
					return v.theirs.Get(&v.skeleton.Bss.Counter)
				})},
			}, nil
		}},
		{title: "load a global variable", ops: n, share: oneOfMany, open: func(opened *closers) ([]contender, error) {
			v, err := newVariable(opened)
			if err != nil {
				return nil, err
			}
			v.skeleton.Bss.Counter = 3
			if err := v.theirs.Set(uint64(3)); err != nil {
				return nil, err
			}
			all := func(load func() (uint64, error)) func() (int, error) {
				return func() (int, error) {
					sum, err := load()
					if err == nil && sum != 3*n {
						err = fmt.Errorf("the values' sum is %d", sum)
					}
					return n, err
				}
			}
			return []contender{
				{name: "C, of a skeleton", run: all(func() (uint64, error) { return cLoadSum(&v.skeleton.Bss.Counter, n), nil })},
				{name: "field of a skeleton", mostC: mostMapped, peer: "cilium Variable", mostPeer: 1, run: all(func() (sum uint64, _ error) {
					bss := v.skeleton.Bss
					for range n {
						sum += bss.Counter
					}
					return sum, nil
				})},
				{name: "typed Global", peer: "cilium Variable", mostPeer: 1, run: all(func() (sum uint64, _ error) {
					for range n {
						value, err := v.global.Get()
						if err != nil {
							return 0, err
						}
						sum += value
					}
					return sum, nil
				})},
				{name: "cilium Variable", run: all(func() (sum uint64, _ error) {
					var value uint64
					for range n {
						if err := v.theirs.Get(&value); err != nil {
							return 0, err
						}
						sum += value
					}
					return sum, nil
				})},
			}, nil
		}},
	}, nil
}

// variable is one as all contenders have it. cilium/ebpf has loaded the object once more.
type variable struct {
	skeleton *globals.Globals
	global   *typed.Global[uint64]
	theirs   *ebpf.Variable
}

func newVariable(opened *closers) (*variable, error) {
	var v variable
	var err error
	if v.skeleton, err = globals.LoadGlobals(libbpf.ObjectBuilder{}); err != nil {
		return nil, err
	}
	opened.add(v.skeleton)
	if v.global, err = typed.NewGlobal[uint64](v.skeleton.Object.Object, "counter"); err != nil {
		return nil, err
	}
	opened.add(v.global)
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(globals.GlobalsELF()))
	if err != nil {
		return nil, err
	}
	collection, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, err
	}
	*opened = append(*opened, func() error { collection.Close(); return nil })
	v.theirs = collection.Variables["counter"]
	return &v, nil
}
