// SPDX-License-Identifier: BSD-2-Clause
//go:build ignore

/* Counts the calls of getpgid by each process that has put itself into the map. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/* The number of getpgid, which differs by architecture. */
const volatile __u32 getpgid_nr = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32); /* a tgid */
	__type(value, __u64);
} hits SEC(".maps");

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u64 *count;

	if (ctx->args[1] != getpgid_nr)
		return 0;
	count = bpf_map_lookup_elem(&hits, &tgid);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
