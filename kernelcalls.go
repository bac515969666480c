package libbpf

/*
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

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

static void lbg_set_create_opts_1_4(struct bpf_map_create_opts *opts, int value_type_btf_obj_fd, int token_fd)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	opts->value_type_btf_obj_fd = value_type_btf_obj_fd;
	opts->token_fd = token_fd;
#endif
}

static void lbg_set_create_opts_1_7(struct bpf_map_create_opts *opts, const void *hash, __u32 size)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 7
	opts->excl_prog_hash = hash;
	opts->excl_prog_hash_size = size;
#endif
}

static void lbg_set_load_token(struct bpf_prog_load_opts *opts, int token_fd)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	opts->token_fd = token_fd;
#endif
}

static void lbg_set_load_fd_array_cnt(struct bpf_prog_load_opts *opts, __u32 count)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	opts->fd_array_cnt = count;
#endif
}

// Runs the program with the buffers in a copy of opts, so that Go memory does not keep pointers to them.
static int lbg_test_run(int fd, struct bpf_test_run_opts *opts, const unsigned char *data_in, unsigned char *data_out,
			const unsigned char *ctx_in, unsigned char *ctx_out)
{
	struct bpf_test_run_opts run = *opts;
	int ret;

	run.sz = sizeof(run);
	run.data_in = data_in;
	run.data_out = data_out;
	run.ctx_in = ctx_in;
	run.ctx_out = ctx_out;
	ret = bpf_prog_test_run_opts(fd, &run);
	opts->data_size_out = run.data_size_out;
	opts->ctx_size_out = run.ctx_size_out;
	opts->retval = run.retval;
	opts->duration = run.duration;
	return ret;
}

// Copies the name of a function, which is a type in the BTF that has the id btf_id in the kernel.
static int lbg_func_name(__u32 btf_id, __u32 type_id, char *name, size_t size)
{
	struct btf *btf = btf__load_from_kernel_by_id(btf_id);
	const struct btf_type *type;
	const char *found = NULL;
	int err = -ENOENT;

	if (!btf)
		return -errno;
	type = btf__type_by_id(btf, type_id);
	if (type && btf_is_func(type))
		found = btf__name_by_offset(btf, type->name_off);
	if (found && strlen(found) < size) {
		strcpy(name, found);
		err = 0;
	}
	btf__free(btf);
	return err;
}

// Closes what a probe made, and returns its descriptor or error.
static int lbg_probed(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd;
}

static int lbg_probe_any(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);

	return lbg_probed(bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, NULL, 8, 8, 1, &opts));
}

static int lbg_probe_tracing(char *log, size_t size)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		.expected_attach_type = BPF_TRACE_RAW_TP,
		.attach_btf_id = 1,
		.log_buf = log,
		.log_size = size,
		.log_level = 1,
	);

	return lbg_probed(bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL", insns, 2, &opts));
}

static int lbg_probe_map(__u32 type, __u32 key_size, __u32 value_size, __u32 flags, __u32 vmlinux_value_type_id)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		.map_flags = flags,
		.btf_vmlinux_value_type_id = vmlinux_value_type_id,
	);

	return lbg_probed(bpf_map_create(type, NULL, key_size, value_size, 1, &opts));
}
*/
import "C"

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/cmem"
)

// C's types, for files that pass them on and call no C.
type (
	cInt    = C.int
	cULong  = C.ulong
	cUchar  = C.uchar
	cChar   = C.char
	cString = *C.char
)

// Functions of libbpf that ask the kernel by descriptors and ids, and know no objects: most are one system call each.
// They return what libbpf returns, below 0 the number of an error. Those for elements of maps are in mapelement.go and
// mapbatch.go.

// objGetWith opens what is pinned at a path; the flags are for maps. With CreatePathFD, the path is relative to the
// directory pathFD.
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

func detachLink(link cInt) cInt { return C.bpf_link_detach(link) }

type cLinkUpdateOpts = C.struct_bpf_link_update_opts

// updateLink gives a link another program or, without options, another struct_ops map.
func updateLink(link cInt, fd int, opts *cLinkUpdateOpts) cInt {
	return C.bpf_link_update(link, C.int(fd), opts)
}

// replacing makes updateLink fail unless old is the link's program.
func replacing(old int) *cLinkUpdateOpts {
	return &cLinkUpdateOpts{
		sz: C.sizeof_struct_bpf_link_update_opts, flags: unix.BPF_F_REPLACE, old_prog_fd: C.__u32(old),
	}
}

// createIter begins an iteration.
func createIter(link int) cInt { return C.bpf_iter_create(C.int(link)) }

type cMapCreateOpts = C.struct_bpf_map_create_opts

// mapCreateOpts lends what o refers to. innerMap is the descriptor of o.InnerMap, or 0.
func mapCreateOpts(c *cArgs, o *MapCreateOptions, innerMap int) cMapCreateOpts {
	var opts cMapCreateOpts
	opts.sz = C.sizeof_struct_bpf_map_create_opts
	opts.map_flags = C.__u32(o.flags())
	opts.map_extra = C.__u64(o.Extra)
	opts.numa_node = C.__u32(o.NUMANode)
	opts.map_ifindex = C.__u32(o.IfIndex)
	opts.btf_fd = C.__u32(o.BTFFD)
	opts.btf_key_type_id = C.__u32(o.BTFKeyTypeID)
	opts.btf_value_type_id = C.__u32(o.BTFValueTypeID)
	opts.btf_vmlinux_value_type_id = C.__u32(o.BTFVmlinuxValueTypeID)
	opts.inner_map_fd = C.__u32(innerMap)
	C.lbg_set_create_opts_1_4(&opts, C.int(o.ValueTypeBTFObjectFD), C.int(o.TokenFD))
	if n := len(o.ExclusiveProgramHash); n > 0 {
		C.lbg_set_create_opts_1_7(&opts, unsafe.Pointer(cmem.Lend(c, o.ExclusiveProgramHash)), C.__u32(n))
	}
	return opts
}

// createMap returns the map's descriptor.
func createMap(t MapType, name cString, keySize, valueSize, maxEntries uint32, opts *cMapCreateOpts) cInt {
	return C.bpf_map_create(uint32(t), name, C.__u32(keySize), C.__u32(valueSize), C.__u32(maxEntries), opts)
}

type cProgramLoadOpts = C.struct_bpf_prog_load_opts

// programLoadOpts lends what o refers to. attachProgram is the descriptor of o.AttachProgram, or 0.
func programLoadOpts(c *cArgs, o *ProgramLoadOptions, attachProgram int) cProgramLoadOpts {
	var opts cProgramLoadOpts
	opts.sz = C.sizeof_struct_bpf_prog_load_opts
	opts.attempts = C.int(o.Attempts)
	opts.expected_attach_type = uint32(o.ExpectedAttachType)
	opts.prog_btf_fd = C.__u32(o.BTFFD)
	opts.prog_flags = C.__u32(o.Flags)
	opts.prog_ifindex = C.__u32(o.IfIndex)
	opts.kern_version = C.__u32(o.KernelVersion)
	opts.attach_btf_id = C.__u32(o.AttachBTFID)
	opts.attach_prog_fd = C.__u32(attachProgram)
	opts.attach_btf_obj_fd = C.__u32(o.AttachBTFObjectFD)
	C.lbg_set_load_token(&opts, C.int(o.TokenFD))
	if len(o.FDArray) > 0 {
		fds := make([]C.int, len(o.FDArray))
		for i, fd := range o.FDArray {
			fds[i] = C.int(fd)
		}
		opts.fd_array = cmem.Lend(c, fds)
		if o.BindFDArray {
			C.lbg_set_load_fd_array_cnt(&opts, C.__u32(len(fds)))
		}
	}
	if n := len(o.FuncInfo); n > 0 {
		opts.func_info, opts.func_info_cnt = unsafe.Pointer(cmem.Lend(c, o.FuncInfo)), C.__u32(n)
		opts.func_info_rec_size = C.__u32(unsafe.Sizeof(FuncInfo{}))
	}
	if n := len(o.LineInfo); n > 0 {
		opts.line_info, opts.line_info_cnt = unsafe.Pointer(cmem.Lend(c, o.LineInfo)), C.__u32(n)
		opts.line_info_rec_size = C.__u32(unsafe.Sizeof(LineInfo{}))
	}
	return opts
}

// setLoadLog makes the verifier write its log of this level to a buffer of size bytes.
func setLoadLog(opts *cProgramLoadOpts, level uint32, log *kernelLog, size int) {
	opts.log_level, opts.log_buf, opts.log_size = C.__u32(level), log.buffer(), C.__u32(size)
}

// progLoad returns the program's descriptor.
func progLoad(t ProgramType, name, license cString, insns []Instruction, opts *cProgramLoadOpts) cInt {
	return C.bpf_prog_load(uint32(t), name, license,
		(*C.struct_bpf_insn)(unsafe.Pointer(unsafe.SliceData(insns))), C.size_t(len(insns)), opts)
}

// testRun runs a program on o's data, with a context to read and one to write. The result has the sizes of what the
// kernel wrote, and not the bytes.
func testRun(program int, o *TestRunOptions, contextIn, contextOut []byte) (
	result TestRunResult, contextSize int, ret cInt,
) {
	opts := C.struct_bpf_test_run_opts{
		data_size_in:  C.__u32(len(o.Data)),
		data_size_out: C.__u32(len(o.DataOut)),
		ctx_size_in:   C.__u32(len(contextIn)),
		ctx_size_out:  C.__u32(len(contextOut)),
		repeat:        C.int(o.Repeat),
		cpu:           C.__u32(o.CPU),
		flags:         C.__u32(o.Flags),
		batch_size:    C.__u32(o.BatchSize),
	}
	ret = C.lbg_test_run(C.int(program), &opts, cBytes(o.Data), cBytes(o.DataOut), cBytes(contextIn), cBytes(contextOut))
	return TestRunResult{
		ReturnValue: uint32(opts.retval), Duration: time.Duration(opts.duration), DataSize: int(opts.data_size_out),
	}, int(opts.ctx_size_out), ret
}

// functionName is the name of a function in the BTF that has the id btfID in the kernel.
func functionName(btfID uint32, function btf.TypeID) (string, cInt) {
	var name [1024]C.char
	ret := C.lbg_func_name(C.__u32(btfID), C.__u32(function), &name[0], C.size_t(len(name)))
	return C.GoString(&name[0]), ret
}

func possibleCPUs() cInt { return C.libbpf_num_possible_cpus() }

// The probes of libbpf return 1 for yes, and 0 for no, also when the process has no right to try.

func probeProgramType(t ProgramType) cInt { return C.libbpf_probe_bpf_prog_type(uint32(t), nil) }

func probeMapType(t MapType) cInt { return C.libbpf_probe_bpf_map_type(uint32(t), nil) }

func probeHelper(t ProgramType, id HelperID) cInt {
	return C.libbpf_probe_bpf_helper(uint32(t), uint32(id), nil)
}

// The other probes return below 0 the number of the kernel's error.

// probeAny tells whether this process can create BPF maps at all: every kernel has the type of map that it creates.
func probeAny() cInt { return C.lbg_probe_any() }

// probeTracing loads a program for a tracepoint, with a BTF type that is not a tracepoint's, and returns the verifier's
// log. Only a verifier that supports such programs reports this.
func probeTracing() string {
	var log [4096]C.char
	C.lbg_probe_tracing(&log[0], C.size_t(len(log)))
	return C.GoString(&log[0])
}

// probeMap creates a map. The last argument is the type of its values in the kernel's BTF, or 0.
func probeMap(t MapType, keySize, valueSize uint32, flags MapCreateFlags, kernelValueType btf.TypeID) cInt {
	return C.lbg_probe_map(C.__u32(t), C.__u32(keySize), C.__u32(valueSize), C.__u32(flags), C.__u32(kernelValueType))
}
