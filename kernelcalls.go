package libbpf

/*
#include <bpf/bpf.h>

// Where libbpf is too old for a function or an option, Go calls these with zero values only, or not at all.

static int lbg_obj_get_with(const char *path, __u32 flags, int path_fd)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = flags);

#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	opts.path_fd = path_fd;
#endif
	return bpf_obj_get_opts(path, &opts);
}

static int lbg_obj_pin_in(int fd, const char *path, int directory)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	const __u32 path_fd = 1U << 14; // BPF_F_PATH_FD, which some kernel headers lack
	LIBBPF_OPTS(bpf_obj_pin_opts, opts, .file_flags = path_fd, .path_fd = directory);

	return bpf_obj_pin_opts(fd, path, &opts);
#else
	return 0;
#endif
}

static int lbg_map_get_fd_by_id(__u32 id, __u32 flags)
{
	LIBBPF_OPTS(bpf_get_fd_by_id_opts, opts, .open_flags = flags);

	return bpf_map_get_fd_by_id_opts(id, &opts);
}

static int lbg_info(int fd, void *info, __u32 size)
{
	return bpf_obj_get_info_by_fd(fd, info, &size);
}

static int lbg_prog_assoc_struct_ops(int prog_fd, int map_fd)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 7
	return bpf_prog_assoc_struct_ops(prog_fd, map_fd, NULL);
#else
	return 0;
#endif
}

static int lbg_prog_stream_read(int fd, __u32 stream, unsigned char *buf, __u32 size)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	return bpf_prog_stream_read(fd, stream, buf, size, NULL);
#else
	return 0;
#endif
}

static int lbg_token_create(int bpffs_fd)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	return bpf_token_create(bpffs_fd, NULL);
#else
	return 0;
#endif
}

static int lbg_prog_attach(int prog_fd, int target, enum bpf_attach_type type, __u32 flags, int replace_fd,
			   int relative_fd, __u32 relative_id, __u64 expected_revision)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, opts,
		.flags = flags,
		.replace_prog_fd = replace_fd,
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
		.relative_fd = relative_fd,
		.relative_id = relative_id,
		.expected_revision = expected_revision,
#endif
	);

	return bpf_prog_attach_opts(prog_fd, target, type, &opts);
}

static int lbg_prog_detach(int prog_fd, int target, enum bpf_attach_type type, __u64 expected_revision)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_prog_detach_opts, opts, .expected_revision = expected_revision);

	return bpf_prog_detach_opts(prog_fd, target, type, &opts);
#else
	return bpf_prog_detach2(prog_fd, target, type);
#endif
}

static int lbg_prog_query(int target, enum bpf_attach_type type, __u32 query_flags, __u32 *ids, __u32 *flags,
			  __u32 *links, __u32 *count, __u32 *attach_flags, __u64 *revision)
{
	LIBBPF_OPTS(bpf_prog_query_opts, opts,
		.query_flags = query_flags,
		.prog_ids = ids,
		.prog_attach_flags = flags,
		.prog_cnt = *count,
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
		.link_ids = links,
#endif
	);
	int err = bpf_prog_query_opts(target, type, &opts);

	*count = opts.prog_cnt;
	*attach_flags = opts.attach_flags;
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	*revision = opts.revision;
#endif
	return err;
}
*/
import "C"

import "unsafe"

// C's types, for files that pass them on and call no C.
type (
	cInt    = C.int
	cULong  = C.ulong
	cUchar  = C.uchar
	cChar   = C.char
	cString = *C.char
)

// Functions of libbpf's bpf.h that take descriptors and ids: one system call each. They return what libbpf returns,
// below 0 the number of an error. Such functions for elements of maps are in mapelement.go and mapbatch.go, and those
// of one concept alone, such as testing a program, are with it.

// objGet opens what is pinned at a path.
func objGet(path cString) cInt { return C.bpf_obj_get(path) }

// objGetWith is objGet of a map with flags. With CreatePathFD, the path is relative to the directory pathFD.
func objGetWith(path cString, flags MapCreateFlags, pathFD int) cInt {
	return C.lbg_obj_get_with(path, C.__u32(flags), C.int(pathFD))
}

func objPin(fd int, path cString) cInt { return C.bpf_obj_pin(C.int(fd), path) }

// objPinIn pins at a path relative to a directory.
func objPinIn(fd int, path cString, directory int) cInt {
	return C.lbg_obj_pin_in(C.int(fd), path, C.int(directory))
}

// mapFDByIDWith is mapFDByID with flags.
func mapFDByIDWith(id uint32, flags MapCreateFlags) cInt {
	return C.lbg_map_get_fd_by_id(C.__u32(id), C.__u32(flags))
}

func mapFDByID(id uint32) cInt     { return C.bpf_map_get_fd_by_id(C.__u32(id)) }
func programFDByID(id uint32) cInt { return C.bpf_prog_get_fd_by_id(C.__u32(id)) }
func linkFDByID(id uint32) cInt    { return C.bpf_link_get_fd_by_id(C.__u32(id)) }
func btfFDByID(id uint32) cInt     { return C.bpf_btf_get_fd_by_id(C.__u32(id)) }

// These store the lowest id above a given one.

func nextMapID(id uint32, next *uint32) cInt {
	return C.bpf_map_get_next_id(C.__u32(id), (*C.__u32)(next))
}

func nextProgramID(id uint32, next *uint32) cInt {
	return C.bpf_prog_get_next_id(C.__u32(id), (*C.__u32)(next))
}

func nextLinkID(id uint32, next *uint32) cInt {
	return C.bpf_link_get_next_id(C.__u32(id), (*C.__u32)(next))
}

func nextBTFID(id uint32, next *uint32) cInt {
	return C.bpf_btf_get_next_id(C.__u32(id), (*C.__u32)(next))
}

func objInfo(fd int, info unsafe.Pointer, size uintptr) cInt {
	return C.lbg_info(C.int(fd), info, C.__u32(size))
}

func freezeMap(fd int) cInt { return C.bpf_map_freeze(C.int(fd)) }

func bindMap(program, mapFD int) cInt { return C.bpf_prog_bind_map(C.int(program), C.int(mapFD), nil) }

func associateStructOps(program, mapFD int) cInt {
	return C.lbg_prog_assoc_struct_ops(C.int(program), C.int(mapFD))
}

func readStream(program int, stream uint32, buf []byte) cInt {
	return C.lbg_prog_stream_read(C.int(program), C.__u32(stream), cBytes(buf), C.__u32(len(buf)))
}

func createToken(bpffs int) cInt { return C.lbg_token_create(C.int(bpffs)) }

// enableStats returns a descriptor that keeps statistics enabled.
func enableStats(kind uint32) cInt { return C.bpf_enable_stats(kind) }

// queryTaskFD stores the name in name, with a NUL behind it.
func queryTaskFD(pid, fd int, name []byte) (info TaskFDInfo, ret cInt) {
	length := C.__u32(len(name))
	var program, kind C.__u32
	var offset, address C.__u64
	ret = C.bpf_task_fd_query(C.int(pid), C.int(fd), 0, (*C.char)(unsafe.Pointer(cBytes(name))), &length, &program,
		&kind, &offset, &address)
	return TaskFDInfo{
		ProgramID: uint32(program), Type: TaskFDType(kind), Offset: uint64(offset), Address: uint64(address),
	}, ret
}

// attachTo attaches a program without a link to a device or what a descriptor says. replace is the program that it
// replaces, or 0.
func attachTo(h Hook, program, replace int, at placed) cInt {
	return C.lbg_prog_attach(C.int(program), C.int(h.target()), uint32(h.Type), C.__u32(at.flags), C.int(replace),
		C.int(at.fd), C.__u32(at.id), C.__u64(at.revision))
}

func detachFrom(h Hook, program int, revision uint64) cInt {
	return C.lbg_prog_detach(C.int(program), C.int(h.target()), uint32(h.Type), C.__u64(revision))
}

// queryHook stores what is attached. flags and links may be nil. count is the room in the arrays, and then how many
// programs there are.
func queryHook(h Hook, queryFlags uint32, ids, flags, links *uint32, count *uint32, info *HookInfo) cInt {
	var attachFlags C.__u32
	var revision C.__u64
	ret := C.lbg_prog_query(C.int(h.target()), uint32(h.Type), C.__u32(queryFlags), (*C.__u32)(ids), (*C.__u32)(flags),
		(*C.__u32)(links), (*C.__u32)(count), &attachFlags, &revision)
	info.Flags, info.Revision = AttachFlags(attachFlags), uint64(revision)
	return ret
}

// createIter begins an iteration.
func createIter(link int) cInt { return C.bpf_iter_create(C.int(link)) }
