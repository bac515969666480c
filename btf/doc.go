// Package btf reads BTF, the type information that the kernel, its modules and compiled BPF objects carry: which types
// there are, how large they are, where their members lie. It also writes them back as a C header.
//
//	kernel, err := btf.LoadKernel()
//	if err != nil {
//		return err
//	}
//	defer kernel.Close()
//	task, err := kernel.TypeByName("task_struct", btf.KindStruct)
//	for _, m := range task.(*btf.Composite).Members {
//		fmt.Println(m.Name, m.BitOffset/8)
//	}
//
// Parsing, searching, resolving and dumping are libbpf's; this package turns what libbpf holds into Go values. A type
// is read when it is asked for, so opening the kernel's BTF, with its hundred thousand types and more, stays quick.
//
// # Types
//
// A [BTF] is a list of types numbered from 1; 0 is void. A type refers to others by [TypeID]. Each kind that BTF knows
// is one of the Go types that implement [Type]; kinds with the same content share one: [Composite] is a struct or a
// union, [Enum] is an enum of any width, [Modifier] is const, volatile, restrict or a type tag. A kind that this
// package does not know becomes an [Unknown].
//
// The values are plain Go memory: they stay valid after Close, and a change made to one is seen by nobody else.
//
// # Untrusted input
//
// Type information may be damaged or made up. Reading it gives errors and never more than that: identifiers and names
// out of range, cycles, and definitions that would not end are errors that match unix.EINVAL, unix.ELOOP or unix.E2BIG.
// What a type claims about itself is not checked, for example that a member lies within its struct.
package btf
