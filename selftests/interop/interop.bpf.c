//go:build ignore

// SPDX-License-Identifier: BSD-2-Clause
/* Counts one process's calls of getpgid by their argument, and writes a record of each to a ring buffer. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} events SEC(".maps");

const volatile __u32 target_tgid = 0;
const volatile __u32 getpgid_nr = 0;

__u64 calls = 0;

SEC("raw_tp/sys_enter")
int on_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	__u64 one = 1, *count;
	__u32 pid;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid || ctx->args[1] != getpgid_nr)
		return 0;
	pid = PT_REGS_PARM1_CORE_SYSCALL(regs);
	__sync_fetch_and_add(&calls, 1);
	count = bpf_map_lookup_elem(&counts, &pid);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&counts, &pid, &one, BPF_ANY);
	bpf_ringbuf_output(&events, &pid, sizeof(pid), 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
