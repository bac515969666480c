#define _GNU_SOURCE
#include "../../../libbpf/vendor.h"
#ifndef LIBBPF_GO_SYSTEM
#include "cuser_cgo.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/perf_event.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_DETACH_BPF
#define SO_DETACH_BPF SO_DETACH_FILTER
#endif

/* The kernel's numbers, which older headers do not have. */
enum { LOCAL_IN = 1, IPV4 = 2 };

/* end asks about a link, and ends it. */
static int cuser_end(struct bpf_link *link)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	int err;

	if (!link)
		return -errno;
	err = bpf_link_get_info_by_fd(bpf_link__fd(link), &info, &size);
	if (err == -EINVAL)
		err = 0; /* no link of the kernel's */
	return cuser_first(err, bpf_link__destroy(link));
}

int cuser_section(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach(g->prog));
}

int cuser_tracepoint(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_tracepoint(g->prog, "syscalls", "sys_enter_getpgid"));
}

int cuser_raw_tracepoint(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_raw_tracepoint(g->prog, "sys_enter"));
}

int cuser_trace(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_trace(g->prog));
}

int cuser_lsm(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_lsm(g->prog));
}

static int cuser_uprobe_as(const struct cuser_given *g, const char *path, const char *function,
			   enum probe_attach_mode mode)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = function, .attach_mode = mode);

	return cuser_end(bpf_program__attach_uprobe_opts(g->prog, 0, path, 0, &opts));
}

int cuser_uprobe(const struct cuser_given *g)
{
	return cuser_uprobe_as(g, "/proc/self/exe", "libbpf_go_target_one", PROBE_ATTACH_MODE_DEFAULT);
}

int cuser_uprobe_legacy(const struct cuser_given *g)
{
	return cuser_uprobe_as(g, "/proc/self/exe", "libbpf_go_target_one", PROBE_ATTACH_MODE_LEGACY);
}

int cuser_uprobe_perf(const struct cuser_given *g)
{
	return cuser_uprobe_as(g, "/proc/self/exe", "libbpf_go_target_one", PROBE_ATTACH_MODE_PERF);
}

int cuser_uprobe_library(const struct cuser_given *g)
{
	return cuser_uprobe_as(g, "libc.so.6", g->names, PROBE_ATTACH_MODE_DEFAULT);
}

int cuser_uprobe_multi(const struct cuser_given *g)
{
	/* By its name, libbpf does not find it in a binary that is stripped. */
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts, .offsets = &g->offset, .cnt = 1);

	return cuser_end(bpf_program__attach_uprobe_multi(g->prog, 0, "/proc/self/exe", NULL, &opts));
}

int cuser_uprobe_pattern(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_uprobe_multi(g->prog, 0, "/proc/self/exe", "libbpf_go_*_o?e", NULL));
}

static int cuser_kprobe_as(const struct cuser_given *g, enum probe_attach_mode mode)
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .attach_mode = mode);

	return cuser_end(bpf_program__attach_kprobe_opts(g->prog, "security_task_getpgid", &opts));
}

int cuser_kprobe(const struct cuser_given *g)
{
	return cuser_kprobe_as(g, PROBE_ATTACH_MODE_DEFAULT);
}

int cuser_kprobe_legacy(const struct cuser_given *g)
{
	return cuser_kprobe_as(g, PROBE_ATTACH_MODE_LEGACY);
}

int cuser_kprobe_perf(const struct cuser_given *g)
{
	return cuser_kprobe_as(g, PROBE_ATTACH_MODE_PERF);
}

int cuser_ksyscall(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_ksyscall(g->prog, "getpgid", NULL));
}

int cuser_kprobe_multi(const struct cuser_given *g)
{
	const char *functions[] = { "security_task_getpgid" };
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .syms = functions, .cnt = 1);

	return cuser_end(bpf_program__attach_kprobe_multi_opts(g->prog, NULL, &opts));
}

int cuser_kprobe_pattern(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_kprobe_multi_opts(g->prog, "security_task_getpg?d*", NULL));
}

int cuser_perf_event(const struct cuser_given *g)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.size = PERF_ATTR_SIZE_VER0,
		.sample_period = 1,
		.disabled = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC), err;
	struct bpf_link *link;

	if (fd < 0)
		return -errno;
	link = bpf_program__attach_perf_event(g->prog, fd);
	if (link)
		return cuser_end(link); /* which owns the descriptor */
	err = -errno;
	close(fd);
	return err;
}

int cuser_xdp(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_xdp(g->prog, g->ifindex));
}

int cuser_tcx(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_tcx(g->prog, g->ifindex, NULL));
}

int cuser_netkit(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_netkit(g->prog, g->ifindex, NULL));
}

int cuser_netfilter(const struct cuser_given *g)
{
	LIBBPF_OPTS(bpf_netfilter_opts, opts, .pf = IPV4, .hooknum = LOCAL_IN);

	return cuser_end(bpf_program__attach_netfilter(g->prog, &opts));
}

int cuser_netns(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_netns(g->prog, g->fd));
}

int cuser_sockmap(const struct cuser_given *g)
{
	return cuser_end(bpf_program__attach_sockmap(g->prog, g->map_fd));
}

static int cuser_read_all(const struct bpf_link *link)
{
	char content[4096];
	int fd = bpf_iter_create(bpf_link__fd(link)), err = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = read(fd, content, sizeof(content));
	while (n > 0);
	if (n < 0)
		err = -errno;
	return cuser_first(err, close(fd) ? -errno : 0);
}

int cuser_iter(const struct cuser_given *g)
{
	union bpf_iter_link_info over = { .map.map_fd = g->map_fd };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &over, .link_info_len = sizeof(over));
	struct bpf_link *link = bpf_program__attach_iter(g->prog, &opts);
	int err;

	if (!link)
		return -errno;
	err = cuser_read_all(link);
	return cuser_first(err, cuser_end(link));
}

int cuser_xdp_netlink(const struct cuser_given *g)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, found);
	int err = bpf_xdp_attach(g->ifindex, g->prog_fd, XDP_FLAGS_SKB_MODE, NULL), detached;

	if (err)
		return err;
	err = bpf_xdp_query(g->ifindex, XDP_FLAGS_SKB_MODE, &found);
	detached = bpf_xdp_detach(g->ifindex, XDP_FLAGS_SKB_MODE, NULL);
	if (detached)
		bpf_xdp_detach(g->ifindex, XDP_FLAGS_SKB_MODE, NULL); /* the fault is over */
	return cuser_first(err, detached);
}

static int cuser_filter(const struct cuser_given *g)
{
	LIBBPF_OPTS(bpf_tc_hook, in, .ifindex = g->ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = g->prog_fd);
	int err = bpf_tc_attach(&in, &opts), queried;

	if (err)
		return err;
	opts.prog_fd = opts.prog_id = opts.flags = 0;
	queried = bpf_tc_query(&in, &opts);
	opts.prog_fd = opts.prog_id = opts.flags = 0;
	err = bpf_tc_detach(&in, &opts);
	return cuser_first(queried, err);
}

int cuser_tc(const struct cuser_given *g)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = g->ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int err = bpf_tc_hook_create(&hook), destroyed;

	if (err)
		return err;
	err = cuser_filter(g);
	destroyed = bpf_tc_hook_destroy(&hook);
	if (destroyed)
		bpf_tc_hook_destroy(&hook); /* the fault is over */
	return cuser_first(err, destroyed);
}

int cuser_socket_filter(const struct cuser_given *g)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), none = 0, err = 0;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &g->prog_fd, sizeof(g->prog_fd)) ||
	    setsockopt(fd, SOL_SOCKET, SO_DETACH_BPF, &none, sizeof(none)))
		err = -errno;
	close(fd);
	return err;
}
#endif
