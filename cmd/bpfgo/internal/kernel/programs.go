package kernel

import (
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
)

// ProgramType is whether the kernel has programs of a type.
func (k *Kernel) ProgramType(t libbpf.ProgramType) Answer {
	return k.probe(t, k.enumerator("bpf_prog_type", int64(t)), "it refuses programs of this type",
		func() (bool, error) { return t.IsSupported() })
}

// MapType is whether the kernel has maps of a type.
func (k *Kernel) MapType(t libbpf.MapType) Answer {
	return k.probe(t, k.enumerator("bpf_map_type", int64(t)), "it refuses maps of this type",
		func() (bool, error) { return t.IsSupported() })
}

// Helper is whether programs of a type can call a helper. The kernel may still refuse it for some attach types.
func (k *Kernel) Helper(t libbpf.ProgramType, id libbpf.HelperID) Answer {
	type key struct {
		t  libbpf.ProgramType
		id libbpf.HelperID
	}
	declared := k.enumerator("bpf_func_id", int64(id))
	if k.ProgramType(t).State == No {
		return declared
	}
	answer := k.probe(key{t, id}, declared, "it refuses this helper to programs of type "+t.String(),
		func() (bool, error) { return libbpf.HelperSupported(t, id) })
	if answer.State == No && declared.State != No && strings.HasPrefix(t.String(), "cgroup_") {
		return unknown("it depends on the attach type of such programs") // and libbpf probes with one
	}
	return answer
}

// Kfunc is whether the kernel or a module has a function that programs can call by name.
func (k *Kernel) Kfunc(name string) Answer { return k.typed(name, btf.KindFunc, "function") }

// Variable is whether the kernel or a module has a variable whose type its BTF tells.
func (k *Kernel) Variable(name string) Answer {
	return k.typed(name, btf.KindVar, "variable in its BTF")
}

// StructOps is whether programs can implement a struct of callbacks.
func (k *Kernel) StructOps(name string) Answer {
	return k.typed("bpf_struct_ops_"+name, btf.KindStruct, "struct for BPF programs")
}

// LinkType is whether the kernel has links of a type.
func (k *Kernel) LinkType(t libbpf.LinkType) Answer {
	declared := k.enumerator("bpf_link_type", int64(t))
	if t == libbpf.LinkTypeStructOps && declared.State == Yes {
		// The kernel had such links for itself before users could make them.
		return k.typed("bpf_struct_ops_link", btf.KindStruct, "link for users")
	}
	return declared
}

// Command is whether the kernel has a command of the system call bpf, by its number in the kernel's enum bpf_cmd.
func (k *Kernel) Command(number int64) Answer { return k.enumerator("bpf_cmd", number) }
