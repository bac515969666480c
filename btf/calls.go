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
#cgo noescape lbg_names_find
#cgo nocallback lbg_names_find
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "btf_cgo.h"

// libbpf_get_error handles both ways in which libbpf returns an error instead of a pointer.
static struct btf *result(struct btf *btf, int *err)
{
	*err = (int)libbpf_get_error(btf);
	return *err ? NULL : btf;
}
static struct btf *parse(const char *path, int *err) { return result(btf__parse(path, NULL), err); }
static struct btf *parse_split(const char *path, struct btf *base, int *err)
{
	return result(btf__parse_split(path, base), err);
}
static struct btf *load_kernel(int *err) { return result(btf__load_vmlinux_btf(), err); }
static struct btf *load_module(const char *name, struct btf *base, int *err)
{
	return result(btf__load_module_btf(name, base), err);
}

static struct btf *parse_raw(const void *data, __u32 size, struct btf *base, int *err)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	return result(base ? btf__new_split(data, size, base) : btf__new(data, size), err);
#else
	// This libbpf has no btf__new_split, but reads split BTF from files.
	struct btf *btf = NULL;
	char path[64];
	int fd;

	if (!base)
		return result(btf__new(data, size), err);
	fd = (int)syscall(SYS_memfd_create, "btf", 1U); // MFD_CLOEXEC, which some headers lack
	if (fd < 0) {
		*err = -errno;
		return NULL;
	}
	if (write(fd, data, size) == (ssize_t)size) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		btf = result(btf__parse_raw_split(path, base), err);
	} else {
		*err = -EIO;
	}
	close(fd);
	return btf;
#endif
}

static struct btf *load_by_id(__u32 id, struct btf *base, int *err)
{
	return result(base ? btf__load_from_kernel_by_id_split(id, base) : btf__load_from_kernel_by_id(id), err);
}

// is_module returns 1 for the BTF of a kernel module, 0 for other BTF, and an error below 0.
static int is_module(__u32 id)
{
	char name[64] = "";
	struct bpf_btf_info info = { .name = (__u64)(uintptr_t)name, .name_len = sizeof(name) };
	__u32 len = sizeof(info);
	int fd, err;

	fd = bpf_btf_get_fd_by_id(id);
	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	close(fd);
	if (err == -E2BIG)
		return 0; // before Linux 5.11, which brought the BTF of modules, BTF has no name
	if (err)
		return err;
	return info.kernel_btf && strcmp(name, "vmlinux") != 0;
}

static struct btf *new_empty(struct btf *base, int *err)
{
	return result(base ? btf__new_empty_split(base) : btf__new_empty(), err);
}

static int add_reference(struct btf *btf, __u32 kind, const char *name, int target)
{
	switch (kind) {
	case BTF_KIND_PTR: return btf__add_ptr(btf, target);
	case BTF_KIND_TYPEDEF: return btf__add_typedef(btf, name, target);
	case BTF_KIND_VOLATILE: return btf__add_volatile(btf, target);
	case BTF_KIND_CONST: return btf__add_const(btf, target);
	case BTF_KIND_RESTRICT: return btf__add_restrict(btf, target);
	case BTF_KIND_TYPE_TAG: return btf__add_type_tag(btf, name, target);
	default: return -EINVAL;
	}
}

static int add_type_attr(struct btf *btf, const char *attr, int target)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	return btf__add_type_attr(btf, attr, target);
#else
	return -ENOTSUP;
#endif
}

static int add_decl_tag(struct btf *btf, const char *text, int target, int component, bool attr)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	if (attr)
		return btf__add_decl_attr(btf, text, target, component);
#endif
	return btf__add_decl_tag(btf, text, target, component);
}

static int add_fwd(struct btf *btf, const char *name, __u32 kind)
{
	return btf__add_fwd(btf, name, kind == BTF_KIND_STRUCT ? BTF_FWD_STRUCT :
				       kind == BTF_KIND_UNION ? BTF_FWD_UNION : BTF_FWD_ENUM);
}

static struct btf_ext *parse_ext(const void *data, __u32 size, int *err)
{
	struct btf_ext *ext = btf_ext__new(data, size);

	*err = (int)libbpf_get_error(ext);
	return *err ? NULL : ext;
}

// Before 1.5, libbpf only takes an ext in this machine's byte order.
static bool ext_is_big_endian(const struct btf_ext *ext)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return btf_ext__endianness(ext) == BTF_BIG_ENDIAN;
#else
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
#endif
}

static int set_ext_endianness(struct btf_ext *ext, enum btf_endianness endianness)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return btf_ext__set_endianness(ext, endianness);
#else
	return -ENOTSUP;
#endif
}

static const void *ext_raw_data(const struct btf_ext *ext, __u32 *size)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	return btf_ext__raw_data(ext, size);
#else
	return btf_ext__get_raw_data(ext, size);
#endif
}

static int permute(struct btf *btf, __u32 *numbers, __u32 n, struct btf_ext *ext)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 7
	LIBBPF_OPTS(btf_permute_opts, opts, .btf_ext = ext);

	return btf__permute(btf, numbers, n, &opts);
#else
	return -ENOTSUP;
#endif
}

static int relocate(struct btf *btf, const struct btf *base)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return btf__relocate(btf, base);
#else
	return -ENOTSUP;
#endif
}

static int load_into_kernel(const void *data, size_t size, __u32 level, char *log, __u32 log_size, __u32 token)
{
	LIBBPF_OPTS(bpf_btf_load_opts, opts, .log_level = level, .log_buf = log, .log_size = log_size);

#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	if (token) {
		opts.btf_flags = 1U << 16; // BPF_F_TOKEN_FD, which some kernel headers lack
		opts.token_fd = token;
	}
#endif
	return bpf_btf_load(data, size, &opts);
}

// next_named returns the first type from id on with that name, or 0.
static __u32 next_named(const struct btf *btf, __u32 id, const char *name)
{
	__u32 end = btf__type_cnt(btf);

	for (; id < end; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *has = btf__name_by_offset(btf, t->name_off);

		if (has && strcmp(has, name) == 0)
			return id;
	}
	return 0;
}
*/
import "C"

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

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
	cNames    = C.struct_lbg_names
	cExt      = C.struct_btf_ext
)

// Functions of libbpf. Those that return a cInt return what libbpf returns, below 0 the number of an error.

// These return nil with an error in *ret.

func parseFile(path cString, ret *cInt) *cBTF { return C.parse(path, ret) }
func parseFileSplit(path cString, base *cBTF, ret *cInt) *cBTF {
	return C.parse_split(path, base, ret)
}
func loadKernelTypes(ret *cInt) *cBTF { return C.load_kernel(ret) }

// parseRaw needs one byte at least. base may be nil.
func parseRaw(data []byte, base *cBTF, ret *cInt) *cBTF {
	return C.parse_raw(unsafe.Pointer(&data[0]), C.__u32(len(data)), base, ret)
}

func loadModuleTypes(name cString, kernel *cBTF, ret *cInt) *cBTF {
	return C.load_module(name, kernel, ret)
}

// loadByID's base may be nil.
func loadByID(id uint32, base *cBTF, ret *cInt) *cBTF { return C.load_by_id(C.__u32(id), base, ret) }

// isModule is 1 for the BTF of a kernel module, and 0 for other BTF.
func isModule(id uint32) cInt { return C.is_module(C.__u32(id)) }

func freeBTF(b *cBTF) { C.btf__free(b) }

// baseOf is nil for types that refer to no others.
func baseOf(b *cBTF) *cBTF { return C.btf__base_btf(b) }

func byteOrder(b *cBTF) binary.ByteOrder {
	if C.btf__endianness(b) == C.BTF_BIG_ENDIAN {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

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

// newNames makes an index of the first types by their names. It is nil without memory.
func newNames(b *cBTF, count int) *cNames { return C.lbg_names_new(b, C.__u32(count)) }

func freeNames(names *cNames) { C.lbg_names_free(names) }

// findInNames finds the first type behind after, which is 0 or has the same name.
func findInNames(names *cNames, b *cBTF, after TypeID, name cString, kind int) TypeID {
	return TypeID(C.lbg_names_find(names, b, C.__u32(after), name, C.int(kind)))
}

// nextOfKind is the first type of a kind behind another one, or behind 0; or 0.
func nextOfKind(b *cBTF, after TypeID, count int, kind Kind) TypeID {
	return TypeID(C.lbg_next_of_kind(b, C.__u32(after), C.__u32(count), C.__u32(kind)))
}

// nextNamed is the first type from id on with that name, or 0.
func nextNamed(b *cBTF, id TypeID, name cString) TypeID {
	return TypeID(C.next_named(b, C.__u32(id), name))
}

// alignOf is 0 or less if there is no alignment.
func alignOf(b *cBTF, id TypeID) cInt { return C.btf__align_of(b, C.__u32(id)) }

func resolveSize(b *cBTF, id TypeID) C.__s64 { return C.btf__resolve_size(b, C.__u32(id)) }

// rawData is libbpf's memory, or nil for a lack of memory.
func rawData(b *cBTF) []byte {
	var size C.__u32
	p := C.btf__raw_data(b, &size)
	return unsafe.Slice((*byte)(p), int(size))
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

// dumpTypes dumps the types, until there are enough bytes of text, and returns how many it dumped. It needs one at
// least.
func dumpTypes(d *cDump, text *cDumpText, ids []TypeID, enough int) (n int, ret cInt) {
	var dumped C.size_t
	ret = C.lbg_dump_types(d, text, (*C.__u32)(&ids[0]), C.size_t(len(ids)), &dumped, C.size_t(enough))
	return int(dumped), ret
}

func dumpDeclaration(d *cDump, id TypeID, name cString) cInt {
	return C.lbg_dump_decl(d, C.__u32(id), name)
}

// newEmpty's base may be nil.
func newEmpty(base *cBTF, ret *cInt) *cBTF { return C.new_empty(base, ret) }

func endianness(order binary.ByteOrder) uint32 {
	if order == binary.BigEndian {
		return C.BTF_BIG_ENDIAN
	}
	return C.BTF_LITTLE_ENDIAN
}

func setByteOrder(b *cBTF, order binary.ByteOrder) { C.btf__set_endianness(b, endianness(order)) }

// findString and addString return the offset of the string.

func findString(b *cBTF, s cString) cInt { return C.btf__find_str(b, s) }
func addString(b *cBTF, s cString) cInt  { return C.btf__add_str(b, s) }

// These add a type and return its number.

func addInt(b *cBTF, name cString, size uint32, encoding IntEncoding) cInt {
	return C.btf__add_int(b, name, C.size_t(size), cInt(encoding))
}

func addFloat(b *cBTF, name cString, size uint32) cInt {
	return C.btf__add_float(b, name, C.size_t(size))
}

// addReference adds a type that refers to one other type. name is nil for kinds without a name.
func addReference(b *cBTF, kind Kind, name cString, target TypeID) cInt {
	return C.add_reference(b, C.__u32(kind), name, cInt(target))
}

func addArray(b *cBTF, index, elem TypeID, n uint32) cInt {
	return C.btf__add_array(b, cInt(index), cInt(elem), C.__u32(n))
}

func addComposite(b *cBTF, kind Kind, name cString, size uint32) cInt {
	if kind == KindUnion {
		return C.btf__add_union(b, name, C.__u32(size))
	}
	return C.btf__add_struct(b, name, C.__u32(size))
}

func addEnum(b *cBTF, name cString, size uint32) cInt { return C.btf__add_enum(b, name, C.__u32(size)) }

func addEnum64(b *cBTF, name cString, size uint32, signed bool) cInt {
	return C.btf__add_enum64(b, name, C.__u32(size), C.bool(signed))
}

func addFwd(b *cBTF, name cString, kind Kind) cInt { return C.add_fwd(b, name, C.__u32(kind)) }

func addTypeAttr(b *cBTF, attr cString, target TypeID) cInt {
	return C.add_type_attr(b, attr, cInt(target))
}

func addFunc(b *cBTF, name cString, linkage Linkage, proto TypeID) cInt {
	return C.btf__add_func(b, name, uint32(linkage), cInt(proto))
}

func addFuncProto(b *cBTF, ret TypeID) cInt { return C.btf__add_func_proto(b, cInt(ret)) }

func addVar(b *cBTF, name cString, linkage Linkage, typ TypeID) cInt {
	return C.btf__add_var(b, name, cInt(linkage), cInt(typ))
}

func addDatasec(b *cBTF, name cString, size uint32) cInt {
	return C.btf__add_datasec(b, name, C.__u32(size))
}

func addDeclTag(b *cBTF, text cString, target TypeID, component int, attr bool) cInt {
	return C.add_decl_tag(b, text, cInt(target), cInt(component), C.bool(attr))
}

// addType needs a type that exists.
func addType(b, from *cBTF, id TypeID) cInt {
	return C.btf__add_type(b, from, C.btf__type_by_id(from, C.__u32(id)))
}

// addBTF returns the number of the first type.
func addBTF(b, from *cBTF) cInt { return C.btf__add_btf(b, from) }

// These add to the type that was added last.

func addField(b *cBTF, name cString, typ TypeID, bitOffset, bitfieldSize uint32) cInt {
	return C.btf__add_field(b, name, cInt(typ), C.__u32(bitOffset), C.__u32(bitfieldSize))
}

func addEnumValue(b *cBTF, name cString, value int64) cInt {
	return C.btf__add_enum_value(b, name, C.__s64(value))
}

func addEnum64Value(b *cBTF, name cString, value uint64) cInt {
	return C.btf__add_enum64_value(b, name, C.__u64(value))
}

func addParam(b *cBTF, name cString, typ TypeID) cInt {
	return C.btf__add_func_param(b, name, cInt(typ))
}

func addDatasecVar(b *cBTF, typ TypeID, offset, size uint32) cInt {
	return C.btf__add_datasec_var_info(b, cInt(typ), C.__u32(offset), C.__u32(size))
}

// dedup's ext may be nil, and so may permute's.
func dedup(b *cBTF, ext *cExt) cInt { return C.lbg_dedup(b, ext) }

// permute needs one number at least.
func permute(b *cBTF, numbers []uint32, ext *cExt) cInt {
	return C.permute(b, (*C.__u32)(&numbers[0]), C.__u32(len(numbers)), ext)
}

func relocate(b, base *cBTF) cInt { return C.relocate(b, base) }

func distill(b *cBTF) (base, split *cBTF, ret cInt) {
	ret = C.lbg_distill(b, &base, &split)
	return base, split, ret
}

// parseExt needs one byte at least.
func parseExt(data []byte, ret *cInt) *cExt {
	return C.parse_ext(unsafe.Pointer(&data[0]), C.__u32(len(data)), ret)
}

func freeExt(ext *cExt) { C.btf_ext__free(ext) }

// rawExt is libbpf's memory, or nil for a lack of memory.
func rawExt(ext *cExt) []byte {
	var size C.__u32
	p := C.ext_raw_data(ext, &size)
	return unsafe.Slice((*byte)(p), int(size))
}

func extByteOrder(ext *cExt) binary.ByteOrder {
	if C.ext_is_big_endian(ext) {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func setExtByteOrder(ext *cExt, order binary.ByteOrder) cInt {
	return C.set_ext_endianness(ext, endianness(order))
}

// loadIntoKernel returns a descriptor. log may be nil.
func loadIntoKernel(raw []byte, level uint32, log []byte, token int) (fd cInt, text string) {
	var c cArgs
	defer c.Free()
	var buf *C.char
	if len(log) > 0 {
		buf = (*C.char)(unsafe.Pointer(cmem.Lend(&c, log)))
	}
	fd = C.load_into_kernel(unsafe.Pointer(&raw[0]), C.size_t(len(raw)), C.__u32(level), buf, C.__u32(len(log)),
		C.__u32(token))
	return fd, unix.ByteSliceToString(log)
}

func fdOf(b *cBTF) cInt      { return C.btf__fd(b) }
func setFD(b *cBTF, fd cInt) { C.btf__set_fd(b, fd) }

// dumpTypeData dumps a value of which size bytes are there, and of which C may read more. indent may be nil.
func dumpTypeData(
	d *cDump, text *cDumpText, id TypeID, data *byte, size int, indent cString, opts DumpDataOptions,
) cInt {
	var flags cInt
	for i, set := range [...]bool{opts.Compact, opts.SkipNames, opts.EmitZeroes, opts.EmitStrings} {
		if set {
			flags |= 1 << i
		}
	}
	return C.lbg_dump_data(d, text, C.__u32(id), unsafe.Pointer(data), C.size_t(size), indent, cInt(opts.IndentLevel),
		flags)
}
