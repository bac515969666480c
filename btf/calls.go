package btf

/*
#cgo !libbpf_debug CFLAGS: -g0
#cgo libbpf_debug CFLAGS: -Og -g
#cgo !libbpf_system CFLAGS: -I${SRCDIR}/../libbpf/upstream/api
#cgo libbpf_system CFLAGS: -DLIBBPF_GO_SYSTEM
#cgo noescape btf__type_by_id
#cgo nocallback btf__type_by_id
#cgo noescape btf__name_by_offset
#cgo nocallback btf__name_by_offset
#cgo noescape btf__type_cnt
#cgo nocallback btf__type_cnt
#include "btf_cgo.h"

// libbpf_get_error handles both ways in which libbpf returns an error instead of a pointer.
static struct btf *result(struct btf *btf, int *err)
{
	*err = (int)libbpf_get_error(btf);
	return *err ? NULL : btf;
}
static struct btf *parse(const char *path, int *err) { return result(btf__parse(path, NULL), err); }
static struct btf *parse_raw(const void *data, __u32 size, int *err) { return result(btf__new(data, size), err); }
static struct btf *load_kernel(int *err) { return result(btf__load_vmlinux_btf(), err); }
static struct btf *load_module(const char *name, struct btf *base, int *err)
{
	return result(btf__load_module_btf(name, base), err);
}
*/
import "C"

import (
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
)

// C's types, for files that pass them on and call no C.
type (
	cInt      = C.int
	cString   = *C.char
	cArgs     = cmem.Args[C.char]
	cBTF      = C.struct_btf
	cDump     = C.struct_btf_dump
	cDumpText = C.struct_lbg_dump_text
)

// Functions of libbpf. Those that return a cInt return what libbpf returns, below 0 the number of an error.

// These return nil with an error in *ret.

func parseFile(path cString, ret *cInt) *cBTF { return C.parse(path, ret) }
func loadKernelTypes(ret *cInt) *cBTF         { return C.load_kernel(ret) }

// parseRaw needs one byte at least.
func parseRaw(data []byte, ret *cInt) *cBTF {
	return C.parse_raw(unsafe.Pointer(&data[0]), C.__u32(len(data)), ret)
}

func loadModuleTypes(name cString, kernel *cBTF, ret *cInt) *cBTF {
	return C.load_module(name, kernel, ret)
}

func freeBTF(b *cBTF) { C.btf__free(b) }

// numTypes does not count void.
func numTypes(b *cBTF) int { return int(C.btf__type_cnt(b)) - 1 }

// pointerSize is 0 if the types do not tell it.
func pointerSize(b *cBTF) int          { return int(C.btf__pointer_size(b)) }
func setPointerSize(b *cBTF, size int) { C.btf__set_pointer_size(b, C.size_t(size)) }

// typeByID returns libbpf's memory, or nil if there is no such type.
func typeByID(b *cBTF, id TypeID) unsafe.Pointer {
	return unsafe.Pointer(C.btf__type_by_id(b, C.__u32(id)))
}

func nameByOffset(b *cBTF, off uint32) (string, bool) {
	name := C.btf__name_by_offset(b, C.__u32(off))
	return C.GoString(name), name != nil
}

func findByName(b *cBTF, name cString) cInt { return C.btf__find_by_name(b, name) }

func findByNameKind(b *cBTF, name cString, kind Kind) cInt {
	return C.btf__find_by_name_kind(b, name, C.__u32(kind))
}

func resolveSize(b *cBTF, id TypeID) C.__s64 { return C.btf__resolve_size(b, C.__u32(id)) }

// rawData is libbpf's memory, or nil for a lack of memory.
func rawData(b *cBTF) []byte {
	var size C.__u32
	p := C.btf__raw_data(b, &size)
	return unsafe.Slice((*byte)(p), int(size))
}

// libbpfBefore tells whether the linked libbpf is older than a version.
func libbpfBefore(major, minor uint32) bool {
	has := uint32(C.libbpf_major_version())
	return has < major || has == major && uint32(C.libbpf_minor_version()) < minor
}

// newDumpText returns nil for a lack of memory.
func newDumpText() *cDumpText { return (*cDumpText)(C.calloc(1, C.sizeof_struct_lbg_dump_text)) }

func freeDumpText(text *cDumpText) {
	C.free(unsafe.Pointer(text.data))
	C.free(unsafe.Pointer(text))
}

// newDump makes a dump that collects its text in text.
func newDump(b *cBTF, text *cDumpText) (d *cDump, ret cInt) {
	d = C.lbg_dump_new(b, text, &ret)
	return d, ret
}

func freeDump(d *cDump) { C.btf_dump__free(d) }

// dumpTypes dumps the types from *next to before end, or until there are enough bytes of text, and leaves the next one
// in *next.
func dumpTypes(d *cDump, text *cDumpText, next *TypeID, end TypeID, enough int) cInt {
	return C.lbg_dump_types(d, text, (*C.__u32)(next), C.__u32(end), C.size_t(enough))
}

func dumpDeclaration(d *cDump, id TypeID, name cString) cInt {
	return C.lbg_dump_decl(d, C.__u32(id), name)
}
