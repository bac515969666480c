// Package gotypes writes Go declarations of C types that BTF describes: of a map's keys and values, records, global
// variables, or any struct of the kernel.
//
//	types, err := btf.Parse("exec.bpf.o")
//	err = gotypes.Generate(file, types, "main", gotypes.Options{}, "struct event")
//
// A [Generator] makes the parts of a file that has more in it: Type returns the Go type for a C type, Section declares
// the variables of a data section, and Declare writes all declarations.
//
// # Layout
//
// A declared type has the size of the C type and each member at the same offset, on all machines of the same byte order:
// padding is explicit. The generated code asserts this when it is compiled. Go aligns no type to more than 8 bytes, and
// 32-bit machines align to 4.
//
//   - A struct is a struct. What Go can't place there, such as members of packed structs that are not aligned, is bytes
//     with a getter and a setter: Value() and SetValue(v).
//   - A union is bytes, with a method for each member that returns a pointer into them.
//   - Members of an anonymous struct or union belong to the outer type: they are its fields or, in a union, its methods.
//     A named member of an anonymous type has a type that is named after both: EventInner. A typedef gives its name to
//     an anonymous type; all other typedefs are resolved.
//   - A bit field has a getter and a setter, with the sign and the enum of its type.
//   - A flexible array member has a method, DataIn(record), that returns the elements behind the struct in a record.
//   - An enum is a number with constants and a String method. Values without a name stay as they are. An enum that has
//     no name is constants, or the type of the member that it is of.
//   - An array of char is a type for its length, Chars16, with String and Set. A char alone is a byte.
//   - A bool is a [github.com/libbpf-go/libbpf-go/ctypes.Bool], because programs can write bytes other than 0 and 1.
//   - Pointers, also to functions, are uint64, or uint32 if the BTF is of a 32-bit machine.
//   - A long has the size that the BTF says. __int128 and floats of other sizes than 4 and 8 are bytes.
//   - What the kernel alone may access, such as a struct bpf_spin_lock, is bytes without methods.
//
// Declaration tags become comments. Const, volatile and type tags change nothing; a comment has the type tags of
// pointers. What can't be expressed is left as bytes, with a comment and one of the Warnings. So are structs that
// are nested more than 14 deep.
//
// # Names
//
// Names are exported, and in Go's style: the parts of the C name between underscores begin with a capital, and
// initialisms such as ID, CPU and TGID are in capitals. An underscore stays only between digits. Constants begin with
// their type's name, without the beginning that all enumerators share: enum color { COLOR_RED, COLOR_BLUE } has ColorRed
// and ColorBlue.
//
// A name that is taken gets a suffix: Struct, Union, Enum, Text for text, Section, Value for constants, and Field for
// fields and methods; if that is taken too, also a number. The type that is asked for first gets the name, so the same
// calls make the same code. Options rename.
//
// # Untrusted input
//
// Type information may be damaged or malicious: types with impossible members are bytes, and errors say what else is
// wrong. The size of the generated code has a limit.
package gotypes
