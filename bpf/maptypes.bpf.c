// SPDX-License-Identifier: BSD-2-Clause
/* One map of each kind that user space uses in its own way; maps.bpf.c has the plain kinds. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define MAP(map_name, map_type, key_t, value_t, entries, flags)                                                        \
	struct {                                                                                                       \
		__uint(type, map_type);                                                                                \
		__uint(max_entries, entries);                                                                          \
		__uint(map_flags, flags);                                                                              \
		__type(key, key_t);                                                                                    \
		__type(value, value_t);                                                                                \
	} map_name SEC(".maps")

#define SIZED(map_name, map_type, key, value, entries)                                                                 \
	struct {                                                                                                       \
		__uint(type, map_type);                                                                                \
		__uint(max_entries, entries);                                                                          \
		__uint(key_size, key);                                                                                 \
		__uint(value_size, value);                                                                             \
	} map_name SEC(".maps")

SIZED(prog_array, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4);
SIZED(perf_event_array, BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 0);
SIZED(stack_trace, BPF_MAP_TYPE_STACK_TRACE, 4, 127 * 8, 64);
SIZED(cgroup_array, BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 2);
SIZED(devmap, BPF_MAP_TYPE_DEVMAP, 4, 4, 4);
SIZED(devmap_hash, BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 4);
SIZED(cpumap, BPF_MAP_TYPE_CPUMAP, 4, 4, 1);
SIZED(xskmap, BPF_MAP_TYPE_XSKMAP, 4, 4, 4);
SIZED(sockmap, BPF_MAP_TYPE_SOCKMAP, 4, 8, 4);
SIZED(sockhash, BPF_MAP_TYPE_SOCKHASH, 4, 8, 4);
SIZED(reuseport_sockarray, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, 8, 4);
SIZED(ringbuf, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096);
SIZED(user_ringbuf, BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096);
MAP(sk_storage, BPF_MAP_TYPE_SK_STORAGE, int, __u64, 0, BPF_F_NO_PREALLOC);
MAP(inode_storage, BPF_MAP_TYPE_INODE_STORAGE, int, __u64, 0, BPF_F_NO_PREALLOC);
MAP(task_storage, BPF_MAP_TYPE_TASK_STORAGE, int, __u64, 0, BPF_F_NO_PREALLOC);
MAP(cgrp_storage, BPF_MAP_TYPE_CGRP_STORAGE, int, __u64, 0, BPF_F_NO_PREALLOC);
MAP(cgroup_storage, BPF_MAP_TYPE_CGROUP_STORAGE, struct bpf_cgroup_storage_key, __u64, 0, 0);
MAP(percpu_cgroup_storage, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, struct bpf_cgroup_storage_key, __u64, 0, 0);

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2); /* pages */
} arena SEC(".maps");

/* A map of maps with a template, and one map in it from the beginning. */
struct page_counts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} first_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct page_counts);
} templated SEC(".maps") = {
	.values = { [1] = &first_counts },
};

/* Runs for the thread that calls getpgid in the chosen process. */
const volatile __u32 target_tgid = 0;
const volatile __u32 getpgid_nr = 0;
__s64 stack_id = -1;

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == target_tgid && ctx->args[1] == getpgid_nr)
		stack_id = bpf_get_stackid(ctx, &stack_trace, BPF_F_USER_STACK);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
