package main

import (
	"fmt"
	"io"

	ciliumbtf "github.com/cilium/ebpf/btf"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
)

// What work on types may take, as multiples of C's time.
const mostTypes = 1.1

// lookedUp is how many structs are looked up by name.
const lookedUp = 1000

// kernelTypes compares work on the types of the running kernel.
func kernelTypes(*libbpf.Object) ([]comparison, error) {
	kernel, err := btf.LoadKernel()
	if err != nil {
		return nil, err
	}
	theirs, err := ciliumbtf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	var names []string
	seen := make(map[string]bool)
	for typ := range kernel.Types(&err) {
		if s, ok := typ.(*btf.Composite); ok && s.Kind() == btf.KindStruct && s.Name() != "" && !seen[s.Name()] {
			seen[s.Name()] = true
			var found *ciliumbtf.Struct
			if theirs.TypeByName(s.Name(), &found) == nil { // it refuses names that several structs have
				names = append(names, s.Name())
			}
		}
	}
	if err != nil || len(names) < lookedUp {
		return nil, fmt.Errorf("%d structs: %w", len(names), err)
	}
	every := len(names) / lookedUp
	for i := range lookedUp {
		names[i] = names[i*every]
	}
	names = names[:lookedUp]
	cTypes, err := newCTypes(names)
	if err != nil {
		return nil, err
	}
	return []comparison{
		{title: "read the types of the kernel", ops: 1, contenders: []contender{
			{name: "C btf__load_vmlinux_btf", run: one(cReadTypes)},
			{name: "btf.LoadKernel", mostC: mostTypes, run: one(func() error {
				b, err := btf.LoadKernel()
				if err != nil {
					return err
				}
				return b.Close()
			})},
			{name: "cilium LoadSpec", run: one(func() error {
				_, err := ciliumbtf.LoadSpec("/sys/kernel/btf/vmlinux")
				return err
			})},
		}},
		{title: "find a struct of the kernel by its name", ops: lookedUp, contenders: []contender{
			{name: "C btf__find_by_name_kind", run: cTypes.find},
			{name: "BTF.TypeByName", peer: "cilium TypeByName", mostPeer: 1, run: func() (int, error) {
				for i, name := range names {
					if _, err := kernel.TypeByName(name, btf.KindStruct); err != nil {
						return i, err
					}
				}
				return len(names), nil
			}},
			{name: "cilium TypeByName", run: func() (int, error) {
				for i, name := range names {
					var found *ciliumbtf.Struct
					if err := theirs.TypeByName(name, &found); err != nil {
						return i, err
					}
				}
				return len(names), nil
			}},
		}},
		{title: "write the types of the kernel as C", ops: 1, contenders: []contender{
			{name: "C btf_dump__dump_type", run: one(cTypes.dump)},
			{name: "BTF.DumpC, unsorted, with kfuncs", mostC: mostTypes, run: one(func() error {
				return kernel.DumpC(io.Discard, btf.DumpCOptions{Unsorted: true})
			})},
			{name: "BTF.DumpC, sorted, with kfuncs", run: one(func() error { return kernel.DumpC(io.Discard, btf.DumpCOptions{}) })},
		}},
	}, nil
}
