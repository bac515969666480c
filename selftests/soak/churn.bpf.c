// SPDX-License-Identifier: BSD-2-Clause
//go:build ignore

/* An object to load, attach and close over and over. It counts calls of getpgid(argument). */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

const volatile __u32 target_tgid = 0;
const volatile __u32 getpgid_nr = 0;
const volatile __u32 argument = 0;

struct count {
	__u64 calls;
	__u64 last_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct count);
} by_argument SEC(".maps");

__u64 on_raw = 0;
__u64 visited = 0;

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	struct count first = {}, *count;
	__u32 key;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid || ctx->args[1] != getpgid_nr)
		return 0;
	key = PT_REGS_PARM1_CORE_SYSCALL(regs);
	if (key != argument)
		return 0;
	__sync_fetch_and_add(&on_raw, 1);
	bpf_map_update_elem(&by_argument, &key, &first, BPF_NOEXIST);
	count = bpf_map_lookup_elem(&by_argument, &key);
	if (count) {
		__sync_fetch_and_add(&count->calls, 1);
		count->last_ns = bpf_ktime_get_ns();
	}
	return 0;
}

SEC("iter/bpf_map_elem")
int visit(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key;

	if (!key)
		return 0;
	visited++;
	bpf_seq_write(ctx->meta->seq, key, sizeof(*key));
	return 0;
}

/* The verifier rejects it: it reads what it has not checked. */
SEC("?raw_tp/sys_enter")
int rejected(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 key = 0;
	struct count *count = bpf_map_lookup_elem(&by_argument, &key);

	return count->calls;
}

char LICENSE[] SEC("license") = "GPL";
