// Package skeleton is what the code that "bpfgo gen" generates runs on: it opens and loads an embedded object, and fills
// the fields of structs with its maps, programs, links and global variables.
//
// Generated code calls it for the user. [Spec.Load] also serves structs of the user's own, which name a part of an
// object.
//
// # Fields
//
// A field with the tag `bpf:"name"` is for what has this name in the object; its Go type says what it is:
//
//	Counts  *libbpf.OpenMap                  a map, before Load
//	Count   *libbpf.OpenProgram              a program, before Load
//	Counts  *libbpf.Map                      a map
//	Counts  *typed.Hash[uint32, uint64]      a map, as any kind of maps that package typed has
//	Count   *libbpf.Program                  a program
//	Count   *libbpf.Link                     the link of a program or of a struct_ops map, after AttachTo
//	Bss     *ExecBss                         the global variables of a section: a pointer to a struct
//
// Fields without the tag are left alone, but structs among them are searched for fields, too.
//
// # Global variables
//
// Before Load, the struct of a section is Go memory with the initial values. Load writes those that were changed into the
// object. [libbpf.OpenObject.SetGlobal] works as well.
//
// After Load, the struct of a section is the memory that programs use: reading and writing a field is a load and a store.
// Use [sync/atomic] for what programs change at the same time. When the object is closed, zeroes take the place of that
// memory, so a pointer that was kept harms nobody. The constants of .rodata and the externs of .kconfig do not change,
// and are a copy: to change the copy changes nothing else.
//
// The struct must have no pointers, no int, uint or uintptr and no bool: programs can write more than 0 and 1 to a bool,
// so use ctypes.Bool.
//
// # Errors and concurrency
//
// Errors name the field, and match what the method of libbpf-go returns that did not succeed. An [OpenObject] and an
// [Object] are as safe for concurrent use as what they embed. Open, Load and AttachTo set the fields of a struct, which
// must not be used elsewhere meanwhile.
package skeleton
