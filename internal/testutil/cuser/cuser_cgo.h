#ifndef LIBBPF_GO_CUSER_H
#define LIBBPF_GO_CUSER_H

#include <stddef.h>

struct bpf_program;
struct bpf_map;

/* What a cycle works with. Each uses some of it. */
struct cuser_given {
	const void *image; /* of an object */
	size_t size;
	const char *path, *other; /* of files */
	const char *folder;	  /* for pins */
	const char *names;	  /* each ends with NUL, and the list with one more */
	struct bpf_program *prog;
	const struct bpf_map *map;
	int prog_fd, map_fd, link_fd, fd;
	int ifindex;
	unsigned long offset; /* of a function's code in this program's file */
	int ask;	      /* getpgid(2) of it makes programs write records */
};

/* A cycle does what a careful user of libbpf in C does: it checks what each function returns, and releases what it has
 * made. It returns 0 or the first error, which is a negative errno. */
typedef int cuser_cycle(const struct cuser_given *given);

cuser_cycle cuser_open_memory, cuser_open_file, cuser_load_attach, cuser_load_pinned, cuser_load_types,
	cuser_struct_ops, cuser_pins;
cuser_cycle cuser_hash, cuser_queue, cuser_per_cpu, cuser_memory, cuser_ring, cuser_perf, cuser_user_ring;
cuser_cycle cuser_link_file, cuser_kernel_types, cuser_object_types, cuser_queries, cuser_test_run;
cuser_cycle cuser_xdp_netlink, cuser_tc, cuser_socket_filter;
cuser_cycle cuser_section, cuser_tracepoint, cuser_raw_tracepoint, cuser_trace, cuser_lsm, cuser_uprobe,
	cuser_uprobe_legacy, cuser_uprobe_perf, cuser_uprobe_library, cuser_uprobe_multi, cuser_uprobe_pattern,
	cuser_kprobe, cuser_kprobe_legacy, cuser_kprobe_perf, cuser_ksyscall, cuser_kprobe_multi, cuser_kprobe_pattern;
cuser_cycle cuser_perf_event, cuser_xdp, cuser_tcx, cuser_netkit, cuser_netfilter, cuser_netns, cuser_sockmap,
	cuser_iter;

/* cuser_first returns the first of two errors, 0 for none. */
static inline int cuser_first(int err, int later)
{
	return err ? err : later;
}

/* cuser_find returns a cycle by its name, NULL if there is none in C. */
cuser_cycle *cuser_find(const char *name);

#endif
