package libbpf

/*
// Debug information costs time to write. The build tag libbpf_debug keeps it.
#cgo !libbpf_debug CFLAGS: -g0
#cgo libbpf_debug CFLAGS: -Og -g
#cgo !libbpf_system CFLAGS: -I${SRCDIR}/libbpf/upstream/api
#cgo libbpf_system CFLAGS: -DLIBBPF_GO_SYSTEM
#cgo noescape lbg_maps
#cgo nocallback lbg_maps
#cgo noescape lbg_programs
#cgo nocallback lbg_programs

#include "libbpf/vendor.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

// Where libbpf is too old for a function or an option, Go calls these with nothing to set, or not at all.

static void lbg_set_token_path(struct bpf_object_open_opts *opts, const char *path)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	opts->bpf_token_path = path;
#endif
}

static int lbg_object_token_fd(const struct bpf_object *obj)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return bpf_object__token_fd(obj);
#else
	return -1;
#endif
}

static int lbg_is_loaded(struct bpf_object *obj)
{
	struct bpf_program *prog = bpf_object__next_program(obj, NULL);
	struct bpf_map *map = bpf_object__next_map(obj, NULL);

	if (prog)
		return bpf_program__set_log_level(prog, bpf_program__log_level(prog)) != 0;
	if (map)
		return bpf_map__set_autocreate(map, bpf_map__autocreate(map)) != 0;
	return -1;
}

static int lbg_object_prepare(struct bpf_object *obj)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	return bpf_object__prepare(obj);
#else
	return 0;
#endif
}

// Only libbpf's functions for skeletons return where the variables are.
static int lbg_load_arena(struct bpf_object *obj, struct bpf_map *arena, void **globals)
{
	struct bpf_map_skeleton map = { .map = &arena, .mmaped = globals };
	struct bpf_object_skeleton skeleton = {
		.sz = sizeof(skeleton),
		.name = bpf_object__name(obj),
		.obj = &obj,
		.map_cnt = 1,
		.map_skel_sz = sizeof(map),
		.maps = &map,
	};

	return bpf_object__load_skeleton(&skeleton);
}

static const char *lbg_map_name(const struct bpf_object *obj, const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	const struct btf_type *type;

	if (!bpf_map__is_internal(map) || !bpf_map__btf_value_type_id(map) || !name || name[0] != '.')
		return name;
	type = btf__type_by_id(bpf_object__btf(obj), bpf_map__btf_value_type_id(map));
	return type && btf_is_datasec(type) ? btf__name_by_offset(bpf_object__btf(obj), type->name_off) : name;
}

struct lbg_map {
	struct bpf_map *ptr;
	const char *name;
	__u32 typ;
};

// The maps behind a map, or the first ones: as many as there is room for.
static int lbg_maps(const struct bpf_object *obj, struct bpf_map *map, struct lbg_map *to, int room)
{
	int n = 0;

	for (; n < room && (map = bpf_object__next_map(obj, map)); n++)
		to[n] = (struct lbg_map){ map, lbg_map_name(obj, map), bpf_map__type(map) };
	return n;
}

static bool lbg_has_variable(const struct btf *types, const char *section, const char *name)
{
	const struct btf_type *t = btf__type_by_id(types, btf__find_by_name_kind(types, section, BTF_KIND_DATASEC));
	const struct btf_var_secinfo *v = t ? btf_var_secinfos(t) : NULL;
	const struct btf_type *var;
	__u32 i;

	for (i = 0; t && i < btf_vlen(t); i++, v++) {
		var = btf__type_by_id(types, v->type);
		if (var && !strcmp(btf__name_by_offset(types, var->name_off) ?: "", name))
			return true;
	}
	return false;
}

static const char *lbg_misplaced_struct_ops(const struct bpf_object *obj)
{
	struct bpf_map *map = NULL;

	while ((map = bpf_object__next_map(obj, map)))
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS &&
		    (bpf_map__is_internal(map) || lbg_has_variable(bpf_object__btf(obj), ".maps", bpf_map__name(map))))
			return bpf_map__name(map);
	return NULL;
}

// The kinds of types on the way are those that btf__resolve_size follows, and as many.
static bool lbg_is_composite(const struct btf *types, __u32 id)
{
	const struct btf_type *t;
	int i;

	for (i = 0; i < 32; i++) {
		t = btf__type_by_id(types, id);
		if (!t || btf_is_composite(t))
			return t;
		if (!btf_is_array(t) && !btf_is_mod(t) && !btf_is_typedef(t))
			return false;
		id = btf_is_array(t) ? btf_array(t)->type : t->type;
	}
	return false;
}

static __s64 lbg_largest_kconfig(const void *raw, __u32 size)
{
	struct btf *types = btf__new(raw, size);
	const struct btf_var_secinfo *v;
	const struct btf_type *t, *var;
	const bool lost = !types && errno == ENOMEM;
	__s64 largest = 0, n;
	__u32 id, i;

	for (id = 1; types && id < btf__type_cnt(types); id++) {
		t = btf__type_by_id(types, id);
		if (!btf_is_datasec(t) || strcmp(btf__name_by_offset(types, t->name_off) ?: "", ".kconfig"))
			continue;
		for (i = 0, v = btf_var_secinfos(t); i < btf_vlen(t); i++, v++) {
			var = btf__type_by_id(types, v->type);
			n = var ? btf__resolve_size(types, var->type) : 0;
			if (n == -E2BIG)
				n = INT64_MAX;
			if (largest >= 0 && n > largest)
				largest = n;
			if (var && lbg_is_composite(types, var->type))
				largest = -1;
		}
	}
	btf__free(types);
	errno = lost ? ENOMEM : 0;
	return largest;
}

struct lbg_program {
	struct bpf_program *ptr;
	const char *name, *section;
};

static int lbg_programs(const struct bpf_object *obj, struct bpf_program *prog, struct lbg_program *to, int room)
{
	int n = 0;

	for (; n < room && (prog = bpf_object__next_program(obj, prog)); n++)
		to[n] = (struct lbg_program){ prog, bpf_program__name(prog), bpf_program__section_name(prog) };
	return n;
}

// A libbpf without this function always attaches a struct_ops map.
static bool lbg_map_autoattach(const struct bpf_map *map)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return bpf_map__autoattach(map);
#else
	return true;
#endif
}

static int lbg_map_set_autoattach(struct bpf_map *map, bool on)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return bpf_map__set_autoattach(map, on);
#else
	return 0;
#endif
}

static int lbg_map_set_exclusive_program(struct bpf_map *map, struct bpf_program *prog)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 7
	return bpf_map__set_exclusive_program(map, prog);
#else
	return 0;
#endif
}

static struct bpf_program *lbg_map_exclusive_program(struct bpf_map *map)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 7
	return bpf_map__exclusive_program(map);
#else
	return NULL;
#endif
}

static int lbg_program_func_info(const struct bpf_program *prog, void **at)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	errno = 0;
	*at = bpf_program__func_info(prog);
	return *at ? (int)bpf_program__func_info_cnt(prog) : -errno;
#else
	return 0;
#endif
}

static int lbg_program_line_info(const struct bpf_program *prog, void **at)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	errno = 0;
	*at = bpf_program__line_info(prog);
	return *at ? (int)bpf_program__line_info_cnt(prog) : -errno;
#else
	return 0;
#endif
}

static int lbg_link_update_map(struct bpf_link *link, const struct bpf_map *map)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 2
	return bpf_link__update_map(link, map);
#else
	return 0;
#endif
}

// Before libbpf 1.6 its linker takes files by their path only. Older versions return errno for a failure in libelf, which
// does not set it: with 0 they would go on without what they lack.
static struct bpf_linker *lbg_linker_new(int fd)
{
	errno = EINVAL;
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	return bpf_linker__new_fd(fd, NULL);
#else
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return bpf_linker__new(path, NULL);
#endif
}

static int lbg_linker_add(struct bpf_linker *linker, int fd)
{
	errno = EINVAL;
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	return bpf_linker__add_fd(linker, fd, NULL);
#else
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return bpf_linker__add_file(linker, path, NULL);
#endif
}

static int lbg_linker_finalize(struct bpf_linker *linker)
{
	errno = EINVAL;
	return bpf_linker__finalize(linker);
}
*/
import "C"

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/btf"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// libbpf's structs.
type (
	cObject   = C.struct_bpf_object
	cMap      = C.struct_bpf_map
	cProgram  = C.struct_bpf_program
	cLink     = C.struct_bpf_link
	cLinker   = C.struct_bpf_linker
	cOpenOpts = C.struct_bpf_object_open_opts
)

// Functions of libbpf for its structs, but not those that attach. Those that return a cInt return what libbpf returns,
// below 0 the number of an error. Those that return an error return it with nil.

// openOpts lends the names that b has. It leaves out the token and the log.
func openOpts(c *cArgs, b *ObjectBuilder) cOpenOpts {
	var opts cOpenOpts
	opts.sz = C.sizeof_struct_bpf_object_open_opts
	opts.object_name = c.Of("name", b.Name)
	opts.pin_root_path = c.Optional("pin root path", b.PinRootPath)
	opts.btf_custom_path = c.Optional("custom BTF path", b.BTFCustomPath)
	opts.kconfig = c.Optional("kconfig", b.Kconfig)
	opts.relaxed_maps = C.bool(b.RelaxedMaps)
	opts.kernel_log_level = C.__u32(b.KernelLogLevel)
	return opts
}

// setOpenToken needs libbpf 1.4.
func setOpenToken(opts *cOpenOpts, path cString) { C.lbg_set_token_path(opts, path) }

// setOpenBTF replaces the path of the custom BTF.
func setOpenBTF(opts *cOpenOpts, path cString) { opts.btf_custom_path = path }

func setOpenLog(opts *cOpenOpts, log *kernelLog, size int) {
	opts.kernel_log_buf, opts.kernel_log_size = log.buffer(), C.size_t(size)
}

// openObject does not keep the image.
func openObject(image objectImage, opts *cOpenOpts) (*cObject, error) {
	o, errno := clib.OpenMemory(image, unsafe.Pointer(opts))
	return (*cObject)(o), errno
}

func closeObject(o *cObject) { C.bpf_object__close(o) }

// objectIsLoaded is 1 for an object whose programs were loaded or maps created: libbpf then refuses to change them,
// also to the value that they have. It is 0 for one that was only opened, and -1 for one without maps and programs.
func objectIsLoaded(o *cObject) cInt { return C.lbg_is_loaded(o) }

// prepareObject needs libbpf 1.6.
func prepareObject(o *cObject) cInt { return C.lbg_object_prepare(o) }
func loadObject(o *cObject) cInt    { return C.bpf_object__load(o) }

// loadObjectWithArena is loadObject, and returns where the global variables of the object's arena are.
func loadObjectWithArena(o *cObject, arena *cMap) (globals uintptr, ret cInt) {
	ret = C.lbg_load_arena(o, arena, (*unsafe.Pointer)(unsafe.Pointer(&globals)))
	return globals, ret
}

func nameOfObject(o *cObject) string { return C.GoString(C.bpf_object__name(o)) }
func objectBTFFD(o *cObject) int     { return int(C.bpf_object__btf_fd(o)) }

// objectTokenFD is -1 before libbpf 1.5.
func objectTokenFD(o *cObject) int { return int(C.lbg_object_token_fd(o)) }

// objectBTF is nil for an object without types.
func objectBTF(o *cObject) *C.struct_btf { return C.bpf_object__btf(o) }

// rawBTF returns a copy, or nil for a lack of memory.
func rawBTF(types *C.struct_btf) []byte {
	var size C.__u32
	raw := C.btf__raw_data(types, &size)
	if raw == nil {
		return nil
	}
	return C.GoBytes(raw, C.int(size))
}

// objectMap is a map and what libbpf says about it. The name of global data is the section's name, if the object's BTF
// has it: libbpf cuts and cleans some of these names, so that two sections may get the same one.
type objectMap struct {
	ptr  *cMap
	name string
	typ  MapType
}

// mapsOf lists an object's maps. It asks libbpf for many of them in one call.
func mapsOf(o *cObject) []objectMap {
	var all []objectMap
	for last := (*cMap)(nil); ; {
		var some [32]C.struct_lbg_map
		n := C.lbg_maps(o, last, &some[0], C.int(len(some)))
		all = slices.Grow(all, int(n))
		for _, m := range some[:n] {
			all = append(all, objectMap{m.ptr, C.GoString(m.name), MapType(m.typ)})
		}
		if int(n) < len(some) {
			return all
		}
		last = some[n-1].ptr
	}
}

// misplacedStructOps is the name of a map of type struct_ops that is defined in the section .maps or holds global data,
// or "".
func misplacedStructOps(o *cObject) string { return C.GoString(C.lbg_misplaced_struct_ops(o)) }

// largestKconfig is the size of the largest variable of the kernel's configuration in types, 0 without any, and below 0 if
// one is a struct or a union. It may print.
func largestKconfig(raw []byte) (int64, error) {
	size, errno := C.lbg_largest_kconfig(unsafe.Pointer(unsafe.SliceData(raw)), C.__u32(len(raw)))
	return int64(size), errno
}

// objectProgram is a program and what libbpf says about it.
type objectProgram struct {
	ptr           *cProgram
	name, section string
}

// programsOf is mapsOf for programs.
func programsOf(o *cObject) []objectProgram {
	var all []objectProgram
	for last := (*cProgram)(nil); ; {
		var some [32]C.struct_lbg_program
		n := C.lbg_programs(o, last, &some[0], C.int(len(some)))
		all = slices.Grow(all, int(n))
		for _, p := range some[:n] {
			all = append(all, objectProgram{p.ptr, C.GoString(p.name), C.GoString(p.section)})
		}
		if int(n) < len(some) {
			return all
		}
		last = some[n-1].ptr
	}
}

// findMap returns nil if there is no such map.
func findMap(o *cObject, name cString) *cMap { return C.bpf_object__find_map_by_name(o, name) }

func nameOfMap(m *cMap) string          { return C.GoString(C.bpf_map__name(m)) }
func mapFD(m *cMap) int                 { return int(C.bpf_map__fd(m)) }
func mapType(m *cMap) MapType           { return MapType(C.bpf_map__type(m)) }
func mapKeySize(m *cMap) uint32         { return uint32(C.bpf_map__key_size(m)) }
func mapValueSize(m *cMap) uint32       { return uint32(C.bpf_map__value_size(m)) }
func mapMaxEntries(m *cMap) uint32      { return uint32(C.bpf_map__max_entries(m)) }
func mapFlags(m *cMap) MapCreateFlags   { return MapCreateFlags(C.bpf_map__map_flags(m)) }
func mapExtra(m *cMap) uint64           { return uint64(C.bpf_map__map_extra(m)) }
func mapNUMANode(m *cMap) uint32        { return uint32(C.bpf_map__numa_node(m)) }
func mapIfIndex(m *cMap) uint32         { return uint32(C.bpf_map__ifindex(m)) }
func mapKeyTypeID(m *cMap) btf.TypeID   { return btf.TypeID(C.bpf_map__btf_key_type_id(m)) }
func mapValueTypeID(m *cMap) btf.TypeID { return btf.TypeID(C.bpf_map__btf_value_type_id(m)) }
func mapAutocreate(m *cMap) bool        { return bool(C.bpf_map__autocreate(m)) }
func mapIsInternal(m *cMap) bool        { return bool(C.bpf_map__is_internal(m)) }

// mapAutoattach is true before libbpf 1.5.
func mapAutoattach(m *cMap) bool { return bool(C.lbg_map_autoattach(m)) }

func setMapType(m *cMap, t MapType) cInt        { return C.bpf_map__set_type(m, uint32(t)) }
func setMapKeySize(m *cMap, size uint32) cInt   { return C.bpf_map__set_key_size(m, C.__u32(size)) }
func setMapValueSize(m *cMap, size uint32) cInt { return C.bpf_map__set_value_size(m, C.__u32(size)) }
func setMapMaxEntries(m *cMap, n uint32) cInt   { return C.bpf_map__set_max_entries(m, C.__u32(n)) }
func setMapFlags(m *cMap, flags MapCreateFlags) cInt {
	return C.bpf_map__set_map_flags(m, C.__u32(flags))
}
func setMapExtra(m *cMap, extra uint64) cInt   { return C.bpf_map__set_map_extra(m, C.__u64(extra)) }
func setMapNUMANode(m *cMap, node uint32) cInt { return C.bpf_map__set_numa_node(m, C.__u32(node)) }
func setMapIfIndex(m *cMap, index uint32) cInt { return C.bpf_map__set_ifindex(m, C.__u32(index)) }
func setMapAutocreate(m *cMap, on bool) cInt   { return C.bpf_map__set_autocreate(m, C.bool(on)) }

// setMapAutoattach needs libbpf 1.5.
func setMapAutoattach(m *cMap, on bool) cInt { return C.lbg_map_set_autoattach(m, C.bool(on)) }

// setMapExclusiveProgram needs libbpf 1.7.
func setMapExclusiveProgram(m *cMap, p *cProgram) cInt { return C.lbg_map_set_exclusive_program(m, p) }

// mapExclusiveProgram is nil for a map that has none, and before libbpf 1.7.
func mapExclusiveProgram(m *cMap) *cProgram { return C.lbg_map_exclusive_program(m) }

// mapInitialValue is libbpf's memory for what is in the map at first, or nil.
func mapInitialValue(m *cMap) []byte {
	var size C.size_t
	p := C.bpf_map__initial_value(m, &size)
	if p == nil {
		return nil
	}
	return unsafe.Slice((*byte)(p), int(size))
}

// mapInnerMap is nil if the object defines none, or setMapInnerMap has replaced it.
func mapInnerMap(m *cMap) *cMap              { return C.bpf_map__inner_map(m) }
func setMapInnerMap(m *cMap, inner int) cInt { return C.bpf_map__set_inner_map_fd(m, C.int(inner)) }
func reuseMap(m *cMap, existing int) cInt    { return C.bpf_map__reuse_fd(m, C.int(existing)) }

func mapPinPath(m *cMap) string                { return C.GoString(C.bpf_map__pin_path(m)) }
func setMapPinPath(m *cMap, path cString) cInt { return C.bpf_map__set_pin_path(m, path) }
func pinMap(m *cMap, path cString) cInt        { return C.bpf_map__pin(m, path) }
func unpinMap(m *cMap, path cString) cInt      { return C.bpf_map__unpin(m, path) }

// mapPinnedAt returns where libbpf has pinned the map, or "".
func mapPinnedAt(m *cMap) string {
	if !C.bpf_map__is_pinned(m) {
		return ""
	}
	return mapPinPath(m)
}

func nameOfProgram(p *cProgram) string    { return C.GoString(C.bpf_program__name(p)) }
func programSection(p *cProgram) string   { return C.GoString(C.bpf_program__section_name(p)) }
func programFD(p *cProgram) int           { return int(C.bpf_program__fd(p)) }
func programType(p *cProgram) ProgramType { return ProgramType(C.bpf_program__type(p)) }
func programAutoload(p *cProgram) bool    { return bool(C.bpf_program__autoload(p)) }
func programAutoattach(p *cProgram) bool  { return bool(C.bpf_program__autoattach(p)) }
func programLogLevel(p *cProgram) uint32  { return uint32(C.bpf_program__log_level(p)) }
func programFlags(p *cProgram) uint32     { return uint32(C.bpf_program__flags(p)) }

func programAttachType(p *cProgram) ProgramAttachType {
	return ProgramAttachType(C.bpf_program__expected_attach_type(p))
}

func setProgramType(p *cProgram, t ProgramType) cInt { return C.bpf_program__set_type(p, uint32(t)) }

func setProgramAttachType(p *cProgram, t ProgramAttachType) cInt {
	return C.bpf_program__set_expected_attach_type(p, uint32(t))
}

func setProgramAttachTarget(p *cProgram, program int, function cString) cInt {
	return C.bpf_program__set_attach_target(p, C.int(program), function)
}

func setProgramAutoload(p *cProgram, on bool) cInt { return C.bpf_program__set_autoload(p, C.bool(on)) }
func setProgramAutoattach(p *cProgram, on bool)    { C.bpf_program__set_autoattach(p, C.bool(on)) }
func setProgramIfIndex(p *cProgram, index uint32)  { C.bpf_program__set_ifindex(p, C.__u32(index)) }

func setProgramLogLevel(p *cProgram, level uint32) cInt {
	return C.bpf_program__set_log_level(p, C.__u32(level))
}

func setProgramFlags(p *cProgram, flags uint32) cInt {
	return C.bpf_program__set_flags(p, C.__u32(flags))
}

// programLogSize is the size of the program's own buffer for logs, or 0.
func programLogSize(p *cProgram) int {
	var size C.size_t
	C.bpf_program__log_buf(p, &size)
	return int(size)
}

func setProgramLog(p *cProgram, log *kernelLog, size int) cInt {
	return C.bpf_program__set_log_buf(p, log.buffer(), C.size_t(size))
}

// programInstructions is libbpf's memory.
func programInstructions(p *cProgram) []Instruction {
	return unsafe.Slice((*Instruction)(unsafe.Pointer(C.bpf_program__insns(p))), int(C.bpf_program__insn_cnt(p)))
}

// setProgramInstructions copies them.
func setProgramInstructions(p *cProgram, insns []Instruction) cInt {
	return C.bpf_program__set_insns(p, (*C.struct_bpf_insn)(unsafe.Pointer(unsafe.SliceData(insns))),
		C.size_t(len(insns)))
}

// These need libbpf 1.6. They store the address of an array of libbpf, or nil, and return its length.

func programFuncInfo(p *cProgram, at *unsafe.Pointer) cInt { return C.lbg_program_func_info(p, at) }
func programLineInfo(p *cProgram, at *unsafe.Pointer) cInt { return C.lbg_program_line_info(p, at) }

func pinProgram(p *cProgram, path cString) cInt { return C.bpf_program__pin(p, path) }

// openLink opens a pinned link.
func openLink(path cString) (*cLink, error) {
	l, errno := C.bpf_link__open(path)
	return l, errno
}

func fdOfLink(l *cLink) cInt              { return C.bpf_link__fd(l) }
func destroyLink(l *cLink) cInt           { return C.bpf_link__destroy(l) }
func disconnectLink(l *cLink)             { C.bpf_link__disconnect(l) }
func linkPinPath(l *cLink) string         { return C.GoString(C.bpf_link__pin_path(l)) }
func pinLink(l *cLink, path cString) cInt { return C.bpf_link__pin(l, path) }
func unpinLink(l *cLink) cInt             { return C.bpf_link__unpin(l) }

// updateLinkMap needs libbpf 1.2, and a link that libbpf made for a struct_ops map.
func updateLinkMap(l *cLink, m *cMap) cInt { return C.lbg_link_update_map(l, m) }

// Memory of C for a text.

func newText(size int) cString   { return (*C.char)(C.calloc(1, C.size_t(size))) }
func textOf(text cString) string { return C.GoString(text) }
func freeText(text cString)      { C.free(unsafe.Pointer(text)) }

// newCLinker makes a linker that writes to an open file, which must stay open.
func newCLinker(fd int) (*cLinker, error) {
	l, errno := C.lbg_linker_new(C.int(fd))
	return l, errno
}

func freeLinker(l *cLinker)               { C.bpf_linker__free(l) }
func addToLinker(l *cLinker, fd int) cInt { return C.lbg_linker_add(l, C.int(fd)) }
func finalizeLinker(l *cLinker) cInt      { return C.lbg_linker_finalize(l) }

// linkerNames are the names that a file has in the linker's messages, by the version of libbpf.
func linkerNames(fd int) []string {
	return []string{fmt.Sprintf("fd:%d", fd), fmt.Sprintf("/proc/self/fd/%d", fd)}
}
