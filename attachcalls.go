package libbpf

/*
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

// Where libbpf is too old for a function or an option, Go calls these with nothing to set, or not at all.

// Attaches one program as generated skeletons do, through a skeleton that has only this program. Only this function of
// libbpf tells the two cases apart: the section names no place to attach to (*link remains NULL), or attaching failed.
static int lbg_attach_auto(struct bpf_program *prog, struct bpf_link **link)
{
	struct bpf_prog_skeleton ps = { .name = bpf_program__name(prog), .prog = &prog, .link = link };
	struct bpf_object_skeleton s = {
		.sz = sizeof(s),
		.prog_cnt = 1,
		.prog_skel_sz = sizeof(ps),
		.progs = &ps,
	};

	*link = NULL;
	return bpf_object__attach_skeleton(&s);
}

static int lbg_link_tracing(int prog_fd, __u32 type, __u64 cookie)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .tracing.cookie = cookie);

	return bpf_link_create(prog_fd, 0, type, &opts);
}

// Attaches to a function, by its name, of a program that has BTF.
static int lbg_link_freplace(int prog_fd, int target_fd, __u32 target_btf, const char *function)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	struct btf *btf = btf__load_from_kernel_by_id(target_btf);
	int id;

	if (!btf)
		return -errno;
	id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	btf__free(btf);
	if (id <= 0)
		return id ? id : -ENOENT;
	opts.target_btf_id = id;
	return bpf_link_create(prog_fd, target_fd, 0, &opts);
}

static struct bpf_link *lbg_attach_raw_tracepoint(const struct bpf_program *prog, const char *name, __u64 cookie)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	LIBBPF_OPTS(bpf_raw_tracepoint_opts, opts, .cookie = cookie);

	return bpf_program__attach_raw_tracepoint_opts(prog, name, &opts);
#else
	return bpf_program__attach_raw_tracepoint(prog, name);
#endif
}

static int lbg_open_raw_tracepoint(int prog_fd, const char *name, __u64 cookie)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	LIBBPF_OPTS(bpf_raw_tp_opts, opts, .tp_name = name, .cookie = cookie);

	return bpf_raw_tracepoint_open_opts(prog_fd, &opts);
#else
	return bpf_raw_tracepoint_open(name, prog_fd);
#endif
}

static void lbg_set_kprobe_mode(struct bpf_kprobe_opts *opts, int mode)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 2
	opts->attach_mode = mode;
#endif
}

static void lbg_set_kprobe_session(struct bpf_kprobe_multi_opts *opts, bool session)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	opts->session = session;
#endif
}

static void lbg_set_kprobe_unique_match(struct bpf_kprobe_multi_opts *opts, bool unique_match)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	opts->unique_match = unique_match;
#endif
}

static int lbg_link_kprobe_multi(int prog_fd, __u32 type, const char **syms, const unsigned long *addrs,
				 const __u64 *cookies, __u32 cnt, bool retprobe)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		.kprobe_multi.syms = syms,
		.kprobe_multi.addrs = addrs,
		.kprobe_multi.cookies = cookies,
		.kprobe_multi.cnt = cnt,
		.kprobe_multi.flags = retprobe ? 1 : 0, // BPF_F_KPROBE_MULTI_RETURN
	);
	int fd = bpf_link_create(prog_fd, 0, type, &opts);

	return fd == -ESRCH ? -ENOENT : fd; // as bpf_program__attach_kprobe_multi_opts does
}

static void lbg_set_uprobe_mode(struct bpf_uprobe_opts *opts, int mode)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 2
	opts->attach_mode = mode;
#endif
}

static struct bpf_link *lbg_attach_uprobe_multi(const struct bpf_program *prog, pid_t pid, const char *path,
	const unsigned long *offsets, const unsigned long *ref_ctr_offsets, const __u64 *cookies, size_t cnt,
	bool retprobe, bool session)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts,
		.offsets = offsets,
		.ref_ctr_offsets = ref_ctr_offsets,
		.cookies = cookies,
		.cnt = cnt,
		.retprobe = retprobe,
	);

#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	opts.session = session;
#endif
	return bpf_program__attach_uprobe_multi(prog, pid, path, NULL, &opts);
#else
	return NULL;
#endif
}

static int lbg_link_uprobe_multi(int prog_fd, __u32 type, __u32 pid, const char *path, const unsigned long *offsets,
	const unsigned long *ref_ctr_offsets, const __u64 *cookies, __u32 cnt, bool retprobe)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		.uprobe_multi.pid = pid,
		.uprobe_multi.path = path,
		.uprobe_multi.offsets = offsets,
		.uprobe_multi.ref_ctr_offsets = ref_ctr_offsets,
		.uprobe_multi.cookies = cookies,
		.uprobe_multi.cnt = cnt,
		.uprobe_multi.flags = retprobe ? 1 : 0, // BPF_F_UPROBE_MULTI_RETURN
	);

	return bpf_link_create(prog_fd, 0, type, &opts);
#else
	return -EOPNOTSUPP;
#endif
}

static void lbg_set_perf_event_opts(struct bpf_perf_event_opts *opts, bool force_ioctl, bool dont_enable)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 2
	opts->force_ioctl_attach = force_ioctl;
#endif
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 7
	opts->dont_enable = dont_enable;
#endif
}

static int lbg_link_perf_event(int prog_fd, int event_fd, __u64 cookie)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = cookie);

	return bpf_link_create(prog_fd, event_fd, BPF_PERF_EVENT, &opts);
}

// union bpf_iter_link_info. The installed kernel headers may lack some of its fields.
union lbg_iter_link_info {
	struct {
		__u32 map_fd;
	} map;
	struct {
		__u32 order;
		__u32 cgroup_fd;
		__u64 cgroup_id;
	} cgroup;
	struct {
		__u32 tid;
		__u32 pid;
		__u32 pid_fd;
	} task;
};

// Attaches a program of an object. If prog is NULL, makes a link for the program with the descriptor fd instead.
static int lbg_attach_iter(const struct bpf_program *prog, int fd, const union lbg_iter_link_info *info,
			   struct bpf_link **link)
{
	LIBBPF_OPTS(bpf_iter_attach_opts, opts);
	LIBBPF_OPTS(bpf_link_create_opts, create_opts);

	if (info) {
		opts.link_info = create_opts.iter_info = (union bpf_iter_link_info *)info;
		opts.link_info_len = create_opts.iter_info_len = sizeof(*info);
	}
	if (!prog)
		return bpf_link_create(fd, 0, BPF_TRACE_ITER, &create_opts);
	*link = bpf_program__attach_iter(prog, &opts);
	return *link ? 0 : -errno;
}

static int lbg_attach_iter_map(const struct bpf_program *prog, int fd, __u32 map_fd, struct bpf_link **link)
{
	union lbg_iter_link_info info;

	memset(&info, 0, sizeof(info));
	info.map.map_fd = map_fd;
	return lbg_attach_iter(prog, fd, &info, link);
}

static int lbg_attach_iter_cgroup(const struct bpf_program *prog, int fd, __u32 order, __u32 cgroup_fd, __u64 id,
				  struct bpf_link **link)
{
	union lbg_iter_link_info info;

	memset(&info, 0, sizeof(info));
	info.cgroup.order = order;
	info.cgroup.cgroup_fd = cgroup_fd;
	info.cgroup.cgroup_id = id;
	return lbg_attach_iter(prog, fd, &info, link);
}

static int lbg_attach_iter_task(const struct bpf_program *prog, int fd, __u32 tid, __u32 pid, __u32 pid_fd,
				struct bpf_link **link)
{
	union lbg_iter_link_info info;

	memset(&info, 0, sizeof(info));
	info.task.tid = tid;
	info.task.pid = pid;
	info.task.pid_fd = pid_fd;
	return lbg_attach_iter(prog, fd, &info, link);
}

enum lbg_place { LBG_CGROUP, LBG_TCX, LBG_NETKIT };

// Attaches with libbpf's function for the place.
static struct bpf_link *lbg_attach_placed(const struct bpf_program *prog, enum lbg_place place, int target, __u32 flags,
					  __u32 relative_fd, __u32 relative_id, __u64 expected_revision)
{
#define PLACEMENT \
	.flags = flags, .relative_fd = relative_fd, .relative_id = relative_id, .expected_revision = expected_revision
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_tcx_opts, tcx, PLACEMENT);
	LIBBPF_OPTS(bpf_netkit_opts, netkit, PLACEMENT);

	if (place == LBG_TCX)
		return bpf_program__attach_tcx(prog, target, &tcx);
	if (place == LBG_NETKIT)
		return bpf_program__attach_netkit(prog, target, &netkit);
#endif
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	LIBBPF_OPTS(bpf_cgroup_opts, cgroup, PLACEMENT);

	return bpf_program__attach_cgroup_opts(prog, target, &cgroup);
#else
	return bpf_program__attach_cgroup(prog, target);
#endif
#undef PLACEMENT
}

// Makes a link to a network device or a cgroup. tcx, netkit and cgroups take the same options, which overlap in
// libbpf's struct.
static int lbg_link_placed(int prog_fd, int target, __u32 type, __u32 flags, __u32 relative_fd, __u32 relative_id,
			   __u64 expected_revision)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);

#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	opts.tcx.relative_fd = relative_fd;
	opts.tcx.relative_id = relative_id;
	opts.tcx.expected_revision = expected_revision;
#endif
	return bpf_link_create(prog_fd, target, type, &opts);
}

static struct bpf_link *lbg_attach_sockmap(const struct bpf_program *prog, int map_fd)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return bpf_program__attach_sockmap(prog, map_fd);
#else
	errno = EOPNOTSUPP;
	return NULL;
#endif
}

static struct bpf_link *lbg_attach_netfilter(const struct bpf_program *prog, __u32 pf, __u32 hooknum, __s32 priority,
					     __u32 flags)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_netfilter_opts, opts,
		.pf = pf,
		.hooknum = hooknum,
		.priority = priority,
		.flags = flags,
	);

	return bpf_program__attach_netfilter(prog, &opts);
#else
	errno = EOPNOTSUPP;
	return NULL;
#endif
}

static int lbg_link_netfilter(int prog_fd, __u32 pf, __u32 hooknum, __s32 priority, __u32 flags)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		.netfilter.pf = pf,
		.netfilter.hooknum = hooknum,
		.netfilter.priority = priority,
		.netfilter.flags = flags,
	);

	return bpf_link_create(prog_fd, 0, BPF_NETFILTER, &opts);
#else
	return -EOPNOTSUPP;
#endif
}

static void lbg_xdp_features(const struct bpf_xdp_query_opts *opts, __u64 *features, __u32 *max_segs)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	*features = opts->feature_flags;
	*max_segs = opts->xdp_zc_max_segs;
#else
	*features = 0;
	*max_segs = 0;
#endif
}

static int lbg_link_xdp(int prog_fd, int ifindex, __u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);

	return bpf_link_create(prog_fd, ifindex, BPF_XDP, &opts);
}

static void lbg_set_qdisc(struct bpf_tc_hook *hook, const char *kind, __u32 handle)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	hook->qdisc = kind;
	hook->handle = handle;
#endif
}
*/
import "C"

// Functions of libbpf that attach programs. Those that begin with attach return libbpf's link, or nil and an error.
// Those that begin with link do the same for a program that libbpf does not know, and return the descriptor of a link
// of the kernel, or below 0 the number of an error.

// cU64 is an element of an array.
type cU64 = C.__u64

func attachSection(p *cProgram) (*cLink, error) {
	link, errno := C.bpf_program__attach(p)
	return link, errno
}

// attachAuto is attachSection, but returns 0 without a link where the section does not say where to attach.
func attachAuto(p *cProgram) (link *cLink, ret cInt) {
	ret = C.lbg_attach_auto(p, &link)
	return link, ret
}

func attachTrace(p *cProgram, cookie uint64) (*cLink, error) {
	var o C.struct_bpf_trace_opts
	o.sz = C.sizeof_struct_bpf_trace_opts
	o.cookie = C.__u64(cookie)
	link, errno := C.bpf_program__attach_trace_opts(p, &o)
	return link, errno
}

func attachLSM(p *cProgram) (*cLink, error) {
	link, errno := C.bpf_program__attach_lsm(p)
	return link, errno
}

func linkTracing(program int, at ProgramAttachType, cookie uint64) cInt {
	return C.lbg_link_tracing(C.int(program), C.__u32(at), C.__u64(cookie))
}

// linkLoadedPlace attaches a program of type tracing, LSM or extension to the function that it was loaded for, whatever
// its attach type is. The command is for raw tracepoints, but it is also the kernel's oldest way to attach these types.
func linkLoadedPlace(program int) cInt { return C.bpf_raw_tracepoint_open(nil, C.int(program)) }

func attachFreplace(p *cProgram, target int, function cString) (*cLink, error) {
	link, errno := C.bpf_program__attach_freplace(p, C.int(target), function)
	return link, errno
}

// linkFreplace finds the function in the target's BTF, which has this id in the kernel.
func linkFreplace(program, target int, btfID uint32, function cString) cInt {
	return C.lbg_link_freplace(C.int(program), C.int(target), C.__u32(btfID), function)
}

func attachTracepoint(p *cProgram, category, name cString, cookie uint64) (*cLink, error) {
	var o C.struct_bpf_tracepoint_opts
	o.sz = C.sizeof_struct_bpf_tracepoint_opts
	o.bpf_cookie = C.__u64(cookie)
	link, errno := C.bpf_program__attach_tracepoint_opts(p, category, name, &o)
	return link, errno
}

func attachRawTracepoint(p *cProgram, name cString, cookie uint64) (*cLink, error) {
	link, errno := C.lbg_attach_raw_tracepoint(p, name, C.__u64(cookie))
	return link, errno
}

func linkRawTracepoint(program int, name cString, cookie uint64) cInt {
	return C.lbg_open_raw_tracepoint(C.int(program), name, C.__u64(cookie))
}

func attachKprobe(p *cProgram, function cString, opts *KprobeOptions) (*cLink, error) {
	var o C.struct_bpf_kprobe_opts
	o.sz = C.sizeof_struct_bpf_kprobe_opts
	o.bpf_cookie = C.__u64(opts.Cookie)
	o.offset = C.size_t(opts.Offset)
	o.retprobe = C.bool(opts.Retprobe)
	C.lbg_set_kprobe_mode(&o, C.int(opts.Mode))
	link, errno := C.bpf_program__attach_kprobe_opts(p, function, &o)
	return link, errno
}

func attachKsyscall(p *cProgram, name cString, opts *KsyscallOptions) (*cLink, error) {
	var o C.struct_bpf_ksyscall_opts
	o.sz = C.sizeof_struct_bpf_ksyscall_opts
	o.bpf_cookie = C.__u64(opts.Cookie)
	o.retprobe = C.bool(opts.Retprobe)
	link, errno := C.bpf_program__attach_ksyscall(p, name, &o)
	return link, errno
}

func attachKprobeMulti(p *cProgram, at *kprobes, opts *KprobeMultiOptions) (*cLink, error) {
	var o C.struct_bpf_kprobe_multi_opts
	o.sz = C.sizeof_struct_bpf_kprobe_multi_opts
	o.syms = at.symbols
	o.addrs = at.addresses
	o.cookies = at.cookies
	o.cnt = C.size_t(at.count)
	o.retprobe = C.bool(opts.Retprobe)
	C.lbg_set_kprobe_session(&o, C.bool(opts.Session))
	C.lbg_set_kprobe_unique_match(&o, C.bool(opts.UniqueMatch))
	link, errno := C.bpf_program__attach_kprobe_multi_opts(p, at.pattern, &o)
	return link, errno
}

func linkKprobeMulti(program int, at *kprobes, opts *KprobeMultiOptions) cInt {
	return C.lbg_link_kprobe_multi(C.int(program), C.__u32(opts.attachType()), at.symbols, at.addresses, at.cookies,
		C.__u32(at.count), C.bool(opts.Retprobe))
}

// attachUprobe attaches at an offset from function, or in the file if function is nil.
func attachUprobe(p *cProgram, pid int, path, function cString, offset uint64, opts *UprobeOptions) (*cLink, error) {
	var o C.struct_bpf_uprobe_opts
	o.sz = C.sizeof_struct_bpf_uprobe_opts
	o.ref_ctr_offset = C.size_t(opts.RefCtrOffset)
	o.bpf_cookie = C.__u64(opts.Cookie)
	o.retprobe = C.bool(opts.Retprobe)
	o.func_name = function
	C.lbg_set_uprobe_mode(&o, C.int(opts.Mode))
	link, errno := C.bpf_program__attach_uprobe_opts(p, C.pid_t(pid), path, C.size_t(offset), &o)
	return link, errno
}

func attachUprobeMulti(p *cProgram, at *uprobes, opts *UprobeMultiOptions) (*cLink, error) {
	link, errno := C.lbg_attach_uprobe_multi(p, C.pid_t(at.pid), at.path, at.offsets, at.refCtrOffsets, at.cookies,
		C.size_t(at.count), C.bool(opts.Retprobe), C.bool(opts.Session))
	return link, errno
}

func linkUprobeMulti(program int, at *uprobes, opts *UprobeMultiOptions) cInt {
	return C.lbg_link_uprobe_multi(C.int(program), C.__u32(opts.attachType()), C.__u32(max(at.pid, 0)), at.path,
		at.offsets, at.refCtrOffsets, at.cookies, C.__u32(at.count), C.bool(opts.Retprobe))
}

func attachUSDT(p *cProgram, pid int, path, provider, name cString, cookie uint64) (*cLink, error) {
	var o C.struct_bpf_usdt_opts
	o.sz = C.sizeof_struct_bpf_usdt_opts
	o.usdt_cookie = C.__u64(cookie)
	link, errno := C.bpf_program__attach_usdt(p, C.pid_t(pid), path, provider, name, &o)
	return link, errno
}

func attachPerfEvent(p *cProgram, event int, opts *PerfEventOptions) (*cLink, error) {
	var o C.struct_bpf_perf_event_opts
	o.sz = C.sizeof_struct_bpf_perf_event_opts
	o.bpf_cookie = C.__u64(opts.Cookie)
	C.lbg_set_perf_event_opts(&o, C.bool(opts.ForceIoctl), C.bool(opts.DontEnable))
	link, errno := C.bpf_program__attach_perf_event_opts(p, C.int(event), &o)
	return link, errno
}

func linkPerfEvent(program, event int, cookie uint64) cInt {
	return C.lbg_link_perf_event(C.int(program), C.int(event), C.__u64(cookie))
}

// The functions for iterators return a link of libbpf's for p in *link, or the descriptor of a link for the program
// with the descriptor fd when p is nil.

func attachIter(p *cProgram, fd int, link **cLink) cInt {
	return C.lbg_attach_iter(p, C.int(fd), nil, link)
}

func attachIterMap(p *cProgram, fd, mapFD int, link **cLink) cInt {
	return C.lbg_attach_iter_map(p, C.int(fd), C.__u32(mapFD), link)
}

func attachIterCgroup(p *cProgram, fd int, opts *IterOptions, link **cLink) cInt {
	return C.lbg_attach_iter_cgroup(p, C.int(fd), C.__u32(opts.CgroupOrder), C.__u32(opts.CgroupFD),
		C.__u64(opts.CgroupID), link)
}

func attachIterTask(p *cProgram, fd int, opts *IterOptions, link **cLink) cInt {
	return C.lbg_attach_iter_task(p, C.int(fd), C.__u32(opts.TID), C.__u32(opts.PID), C.__u32(opts.PIDFD), link)
}

// The places for which libbpf has functions with placed as options.
const (
	placeCgroup uint32 = C.LBG_CGROUP
	placeTCX    uint32 = C.LBG_TCX
	placeNetkit uint32 = C.LBG_NETKIT
)

func attachAt(p *cProgram, place uint32, target int, at placed) (*cLink, error) {
	link, errno := C.lbg_attach_placed(p, place, C.int(target), C.__u32(at.flags), C.__u32(at.fd), C.__u32(at.id),
		C.__u64(at.revision))
	return link, errno
}

func linkAt(program, target int, t ProgramAttachType, at placed) cInt {
	return C.lbg_link_placed(C.int(program), C.int(target), C.__u32(t), C.__u32(at.flags), C.__u32(at.fd),
		C.__u32(at.id), C.__u64(at.revision))
}

func attachNetns(p *cProgram, netns int) (*cLink, error) {
	link, errno := C.bpf_program__attach_netns(p, C.int(netns))
	return link, errno
}

func attachSockmap(p *cProgram, mapFD int) (*cLink, error) {
	link, errno := C.lbg_attach_sockmap(p, C.int(mapFD))
	return link, errno
}

// linkTo makes a link without options to a network namespace or a sockmap.
func linkTo(program, target int, t ProgramAttachType) cInt {
	return C.bpf_link_create(C.int(program), C.int(target), uint32(t), nil)
}

func attachNetfilter(
	p *cProgram, protocol NetfilterProtocol, hook NetfilterHook, opts *NetfilterOptions,
) (*cLink, error) {
	link, errno := C.lbg_attach_netfilter(p, C.__u32(protocol), C.__u32(hook), C.__s32(opts.Priority),
		C.__u32(opts.Flags))
	return link, errno
}

func linkNetfilter(program int, protocol NetfilterProtocol, hook NetfilterHook, opts *NetfilterOptions) cInt {
	return C.lbg_link_netfilter(C.int(program), C.__u32(protocol), C.__u32(hook), C.__s32(opts.Priority),
		C.__u32(opts.Flags))
}

func attachXDP(p *cProgram, ifindex int) (*cLink, error) {
	link, errno := C.bpf_program__attach_xdp(p, C.int(ifindex))
	return link, errno
}

func linkXDP(program, ifindex int, mode XDPFlags) cInt {
	return C.lbg_link_xdp(C.int(program), C.int(ifindex), C.__u32(mode))
}

// setXDP attaches a program without a link. old is the program that must be attached before, or 0 for no condition.
func setXDP(x XDP, program, old int) cInt {
	opts := C.struct_bpf_xdp_attach_opts{sz: C.sizeof_struct_bpf_xdp_attach_opts, old_prog_fd: C.int(old)}
	return C.bpf_xdp_attach(C.int(x.IfIndex), C.int(program), C.__u32(x.Flags), &opts)
}

// unsetXDP detaches the program, with old as in setXDP.
func unsetXDP(x XDP, old int) cInt {
	opts := C.struct_bpf_xdp_attach_opts{sz: C.sizeof_struct_bpf_xdp_attach_opts, old_prog_fd: C.int(old)}
	return C.bpf_xdp_detach(C.int(x.IfIndex), C.__u32(x.Flags), &opts)
}

func queryXDP(x XDP) (XDPInfo, cInt) {
	var o C.struct_bpf_xdp_query_opts
	o.sz = C.sizeof_struct_bpf_xdp_query_opts
	ret := C.bpf_xdp_query(C.int(x.IfIndex), C.int(x.Flags), &o)
	var features C.__u64
	var segments C.__u32
	C.lbg_xdp_features(&o, &features, &segments)
	return XDPInfo{
		Mode: XDPMode(o.attach_mode), ProgramID: uint32(o.prog_id),
		DrvProgramID: uint32(o.drv_prog_id), HWProgramID: uint32(o.hw_prog_id), SKBProgramID: uint32(o.skb_prog_id),
		Features: XDPFeatures(features), ZeroCopyMaxSegments: uint32(segments),
	}, ret
}

func queryXDPID(x XDP, id *uint32) cInt {
	return C.bpf_xdp_query_id(C.int(x.IfIndex), C.int(x.Flags), (*C.__u32)(id))
}

func attachStructOps(m *cMap) (*cLink, error) {
	link, errno := C.bpf_map__attach_struct_ops(m)
	return link, errno
}

type cTCHook = C.struct_bpf_tc_hook

// tcHook returns libbpf's form of a hook. With a qdisc, it needs libbpf 1.6: older versions support only clsact.
func tcHook(h TCHook, qdisc cString) *cTCHook {
	hook := &cTCHook{
		sz: C.sizeof_struct_bpf_tc_hook, ifindex: C.int(h.IfIndex), attach_point: uint32(h.AttachPoint),
		parent: C.__u32(h.Parent),
	}
	C.lbg_set_qdisc(hook, qdisc, C.__u32(h.QdiscHandle))
	return hook
}

func createTCHook(h *cTCHook) cInt  { return C.bpf_tc_hook_create(h) }
func destroyTCHook(h *cTCHook) cInt { return C.bpf_tc_hook_destroy(h) }

func attachTC(h *cTCHook, program int, opts TCOptions, filter *TCFilter) cInt {
	o := tcOpts(opts.Handle, opts.Priority)
	o.prog_fd = C.int(program)
	if opts.Replace {
		o.flags = C.BPF_TC_F_REPLACE
	}
	ret := C.bpf_tc_attach(h, &o)
	*filter = tcFilter(ret, &o)
	return ret
}

func queryTC(h *cTCHook, handle uint32, priority uint16, filter *TCFilter) cInt {
	o := tcOpts(handle, priority)
	ret := C.bpf_tc_query(h, &o)
	*filter = tcFilter(ret, &o)
	return ret
}

func detachTC(h *cTCHook, handle uint32, priority uint16) cInt {
	o := tcOpts(handle, priority)
	return C.bpf_tc_detach(h, &o)
}

func tcOpts(handle uint32, priority uint16) C.struct_bpf_tc_opts {
	return C.struct_bpf_tc_opts{
		sz: C.sizeof_struct_bpf_tc_opts, handle: C.__u32(handle), priority: C.__u32(priority),
	}
}

// tcFilter is the filter that libbpf has found or made.
func tcFilter(ret cInt, o *C.struct_bpf_tc_opts) TCFilter {
	if ret != 0 {
		return TCFilter{}
	}
	return TCFilter{uint32(o.handle), uint16(o.priority), uint32(o.prog_id)}
}
