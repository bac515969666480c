// Package kernel tells what a kernel has of what objects need: kinds of programs and maps, functions to call and to
// attach to, settings. The kernel is the running one, or another one that only its types tell of.
package kernel

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
)

// State says whether a kernel has something.
type State string

const (
	Yes     State = "yes"
	No      State = "no"
	Unknown State = "unknown"
)

// Answer is a state, and why it is so where that is not obvious.
type Answer struct {
	State State  `json:"state"`
	Why   string `json:"why,omitempty"`
}

var yes = Answer{State: Yes}

func no(why string) Answer      { return Answer{No, why} }
func unknown(why string) Answer { return Answer{Unknown, why} }

// Kernel is a kernel. Its methods are not safe for concurrent use: they remember what they found.
type Kernel struct {
	types   *btf.BTF // nil if there are none
	noTypes string   // why
	other   bool     // it does not run here

	modules func() []*btf.BTF
	loaded  []*btf.BTF // the modules, once someone has asked for them
	symbols func() (map[string]bool, error)
	config  func() (map[string]string, error)
	probed  map[any]Answer
	named   map[typeName]bool
}

type typeName struct {
	name string
	kind btf.Kind
}

// Running is the running kernel.
func Running() *Kernel {
	k := &Kernel{probed: make(map[any]Answer), named: make(map[typeName]bool)}
	types, err := btf.LoadKernel()
	if err != nil {
		k.noTypes = "the kernel has no BTF"
		if errors.Is(err, fs.ErrPermission) {
			k.noTypes = "its BTF can't be read"
		}
	}
	k.types = types
	k.modules = sync.OnceValue(k.loadModules)
	k.symbols = sync.OnceValues(readSymbols)
	k.config = sync.OnceValues(readConfig)
	return k
}

// FromFile is the kernel whose types are in a file: raw BTF, or an ELF file.
func FromFile(path string) (*Kernel, error) {
	types, err := btf.Parse(path)
	if err != nil {
		return nil, err
	}
	k := &Kernel{types: types, other: true, probed: make(map[any]Answer), named: make(map[typeName]bool)}
	k.modules = func() []*btf.BTF { return nil }
	k.symbols = func() (map[string]bool, error) { return nil, errOther }
	k.config = func() (map[string]string, error) { return nil, errOther }
	return k, nil
}

var errOther = errors.New("types do not tell it")

// Close frees the types.
func (k *Kernel) Close() {
	for _, m := range k.loaded {
		_ = m.Close()
	}
	_ = k.types.Close()
}

// Other tells whether it is another kernel than the running one.
func (k *Kernel) Other() bool { return k.other }

// Types are the kernel's types, nil if it has none.
func (k *Kernel) Types() *btf.BTF { return k.types }

// NoTypes is why there are no types.
func (k *Kernel) NoTypes() string { return k.noTypes }

// Modules are the types of its modules.
func (k *Kernel) Modules() []*btf.BTF { return k.modules() }

func (k *Kernel) loadModules() []*btf.BTF {
	if k.types == nil {
		return nil
	}
	entries, _ := os.ReadDir("/sys/kernel/btf")
	for _, e := range entries {
		if e.Name() == "vmlinux" {
			continue
		}
		if types, err := btf.LoadModule(e.Name(), k.types); err == nil {
			k.loaded = append(k.loaded, types)
		}
	}
	return k.loaded
}

// has tells whether the kernel or a module has a type of that name and kind.
func (k *Kernel) has(name string, kind btf.Kind) bool {
	key := typeName{name, kind}
	found, known := k.named[key]
	if !known {
		_, err := k.types.TypeByName(name, kind)
		for _, m := range k.modulesUnless(err == nil) {
			if _, err = m.TypeByName(name, kind); err == nil {
				break
			}
		}
		found = err == nil
		k.named[key] = found
	}
	return found
}

func (k *Kernel) modulesUnless(found bool) []*btf.BTF {
	if found {
		return nil
	}
	return k.modules()
}

// typed is whether there is a type of that name and kind. what is what the type stands for.
func (k *Kernel) typed(name string, kind btf.Kind, what string) Answer {
	switch {
	case k.types == nil:
		return unknown(k.noTypes)
	case k.has(name, kind):
		return yes
	}
	return no("there is no such " + what)
}

// enumerator is whether an enum of the kernel's has a value. It is unknown if there is no such enum.
func (k *Kernel) enumerator(enum string, value int64) Answer {
	if k.types == nil {
		return unknown(k.noTypes)
	}
	type key struct {
		enum  string
		value int64
	}
	at := key{enum, value}
	if answer, known := k.probed[at]; known {
		return answer
	}
	answer := unknown("its BTF lacks enum " + enum)
	if t, err := k.types.TypeByName(enum, btf.KindEnum, btf.KindEnum64); err == nil {
		answer = no("this version does not know it")
		for _, v := range t.(*btf.Enum).Values {
			// The number after the last is there under a name such as __MAX_BPF_MAP_TYPE.
			last := strings.HasPrefix(v.Name, "__MAX_") || strings.HasPrefix(v.Name, "MAX_")
			if v.Value == value && !last {
				answer = yes
			}
		}
	}
	k.probed[at] = answer
	return answer
}

// probe asks the running kernel once, where its types do not already say no.
func (k *Kernel) probe(key any, declared Answer, refused string, ask func() (bool, error)) Answer {
	if declared.State == No || k.other {
		return declared
	}
	if answer, known := k.probed[key]; known {
		return answer
	}
	supported, err := ask()
	answer := yes
	switch {
	case errors.Is(err, fs.ErrPermission):
		answer = unknown("asking needs " + privilege.BPF.String())
	case errors.Is(err, errors.ErrUnsupported):
		answer = declared // it can't be probed
	case err != nil:
		answer = unknown(err.Error())
	case !supported:
		answer = no(refused)
	}
	k.probed[key] = answer
	return answer
}
