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
*/
import "C"

import "unsafe"

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
