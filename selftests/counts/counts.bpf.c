// SPDX-License-Identifier: BSD-2-Clause
//go:build ignore

/* Counts chosen system calls of one process: by number on each CPU, and in total. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* The process to watch; 0 for none. */
const volatile __u32 target_tgid = 0;

/* The system calls to count. */
const volatile __u32 numbers[2] = {};

__u64 total = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long nr)
{
	__u32 key = nr;
	__u64 none = 0;
	__u64 *count;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid || (key != numbers[0] && key != numbers[1]))
		return 0;
	__sync_fetch_and_add(&total, 1);
	count = bpf_map_lookup_elem(&calls, &key);
	if (!count) {
		/* This fails if another CPU has just made the same element. */
		bpf_map_update_elem(&calls, &key, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&calls, &key);
	}
	if (count)
		(*count)++; /* this CPU's own */
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
