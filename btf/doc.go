// Package btf reads BTF, the type information of the kernel, its modules and compiled BPF objects: types, their sizes,
// and the offsets of their members. It makes BTF, and writes types as a C header and values as C text.
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
// libbpf parses, searches, resolves and dumps the types; this package converts them to Go values. It converts a type
// when it is asked for, so that opening the kernel's BTF, with more than a hundred thousand types, is fast.
//
// # Types
//
// A [BTF] is a list of types numbered from 1; 0 is void. A type refers to others by [TypeID]. Each kind that BTF knows
// is one of the Go types that implement [Type]; kinds with the same content share one: [Composite] is a struct or a
// union, [Enum] is an enum of any width, [Modifier] is const, volatile, restrict or a type tag. libbpf refuses to parse
// kinds that came after it: it can't tell how long they are. A kind that it knows and this package does not becomes an
// [Unknown].
//
// The values are plain Go memory: they stay valid after Close. Each call returns a new value, so changing one does not
// affect others.
//
// Split BTF, such as a module's, refers to the types of its base, such as the kernel's: [ParseSplit], [LoadModule]. The
// numbers go on after those of the base, and all methods include its types. Types for a machine of the other byte order
// are read like others, and keep their order in [BTF.Raw].
//
// # Building
//
// A BTF never changes. A [Builder] makes one, from nothing ([NewBuilder]), on a base ([NewSplitBuilder]) or from a copy
// ([BTF.Builder]). It adds types, one at a time or as copies of others; removes duplicates, changes the order, and
// moves types to another base. [BTF.LoadIntoKernel] gives types to the kernel, for maps and programs.
//
// # Untrusted input
//
// Type information may be damaged or malicious. Reading, building and dumping it are safe: type numbers and names that
// are out of range, cycles and endless definitions are errors that match unix.EINVAL, unix.ELOOP or unix.E2BIG. But
// [Builder.Dedup] can take long with types that were made for that. It is not checked that a type is consistent, for
// example that a member is within its struct.
package btf
