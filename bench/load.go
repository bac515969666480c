package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	ciliumbtf "github.com/cilium/ebpf/btf"

	"github.com/libbpf-go/libbpf-go"
)

// What loading an object may take, as multiples of C's time.
const (
	mostLoad      = 1.03
	mostLoadAlone = 1.05
)

// loading compares opening an object in memory, loading and closing it.
func loading(*libbpf.Object) (comparisons []comparison, err error) {
	for _, object := range []struct{ title, path string }{
		{"a small object", smallObject},
		{"an object of one program with CO-RE relocations", coreObject},
		{"an object of 200 programs with CO-RE relocations", manyObject},
	} {
		image, err := os.ReadFile(object.path)
		if err != nil {
			return nil, err
		}
		comparisons = append(comparisons, comparison{title: "load " + object.title, ops: 1, contenders: loaders(image)})
	}
	alone, err := loadingAlone(object)
	return append(comparisons, alone), err
}

// The objects to load.
const (
	smallObject = "bpf/small.bpf.o"
	coreObject  = "bpf/many1.bpf.o"
	manyObject  = "bpf/many.bpf.o"
)

// loaders are the ways to load an object. All read the types of the kernel each time, but for cilium/ebpf with a cache.
func loaders(image []byte) []contender {
	cache := ciliumbtf.NewCache()
	return []contender{
		{name: "C", run: one(func() error { return cLoad(image, "") })},
		{name: "OpenMemory and Load", mostC: mostLoad, run: one(func() error { return load1(image, "") }), peer: "cilium NewCollection", mostPeer: 1},
		{name: "cilium NewCollection", run: one(func() error { return ciliumLoad(image, nil) })},
		{name: "cilium NewCollection, types kept", run: one(func() error { return ciliumLoad(image, cache) })},
	}
}

// one is a run of one operation.
func one(f func() error) func() (int, error) {
	return func() (int, error) { return 1, f() }
}

// loadingAlone compares loading each program of an object without the others.
func loadingAlone(path string) (comparison, error) {
	image, err := os.ReadFile(path)
	if err != nil {
		return comparison{}, err
	}
	o, err := libbpf.OpenMemory(image)
	if err != nil {
		return comparison{}, err
	}
	defer o.Close()
	var names []string
	for p := range o.Programs() {
		names = append(names, p.Name())
	}
	all := func(load func(image []byte, program string) error) func() (int, error) {
		return func() (int, error) {
			for _, name := range names {
				if err := load(image, name); err != nil {
					return 0, fmt.Errorf("%s: %w", name, err)
				}
			}
			return len(names), nil
		}
	}
	return comparison{title: "load one program of an object", ops: len(names), contenders: []contender{
		{name: "C", run: all(cLoad)},
		{name: "SetAutoload and Load", mostC: mostLoadAlone, run: all(load1)},
	}}, nil
}

// load1 loads an object, or one program of it.
func load1(image []byte, program string) error {
	o, err := libbpf.OpenMemory(image)
	if err != nil {
		return err
	}
	defer o.Close()
	if program != "" {
		for p := range o.Programs() {
			if err := p.SetAutoload(p.Name() == program); err != nil {
				return err
			}
		}
	}
	loaded, err := o.Load()
	if err != nil {
		return err
	}
	return loaded.Close()
}

func ciliumLoad(image []byte, types *ciliumbtf.Cache) error {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(image))
	if err != nil {
		return err
	}
	collection, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: types})
	if err != nil {
		return err
	}
	collection.Close()
	return nil
}
