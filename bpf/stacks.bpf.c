// SPDX-License-Identifier: BSD-2-Clause
/*
 * Takes samples of the stacks of a process, or of all: the programs run at the ticks of a clock that the user attaches.
 *
 *	bpfgo run bpf/stacks.bpf.o --flame out.svg -- CMD
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define DEPTH 64

/* The process to look at. 0 is all. */
const volatile __u32 target_tgid = 0;

/* Also report each sample. */
const volatile bool report = false;

/* Reports that did not fit. */
__u64 lost_events = 0;

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4096);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, DEPTH * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(map_flags, BPF_F_STACK_BUILD_ID);
	__uint(max_entries, 4096);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, DEPTH * sizeof(struct bpf_stack_build_id));
} build_ids SEC(".maps");

struct sampled {
	__u32 tgid;
	__s32 user_stack_id;
	__s32 kern_stack_id;
	char comm[16];
};

/* How often each stack was seen. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct sampled);
	__type(value, __u64);
} counts SEC(".maps");

struct sample_report {
	__u32 tgid;
	__s32 user_stack_id;
	__s32 kern_stack_id;
	__s32 by_build_id;
	/* How many bytes of the stack there are, or an error. */
	__s64 inline_size;
	__u64 inline_stack[DEPTH];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct sample_report);
} samples SEC(".maps");

SEC("perf_event")
int on_tick(struct bpf_perf_event_data *ctx)
{
	struct sampled key = {};
	struct sample_report *s;
	__u64 one = 1, *count;

	key.tgid = bpf_get_current_pid_tgid() >> 32;
	if (!key.tgid || (target_tgid && key.tgid != target_tgid))
		return 0;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	key.user_stack_id = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	key.kern_stack_id = bpf_get_stackid(ctx, &stacks, 0);
	count = bpf_map_lookup_elem(&counts, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);
	if (!report)
		return 0;
	s = bpf_ringbuf_reserve(&samples, sizeof(*s), 0);
	if (!s) {
		__sync_fetch_and_add(&lost_events, 1);
		return 0;
	}
	s->tgid = key.tgid;
	s->user_stack_id = key.user_stack_id;
	s->kern_stack_id = key.kern_stack_id;
	s->by_build_id = bpf_get_stackid(ctx, &build_ids, BPF_F_USER_STACK);
	s->inline_size = bpf_get_stack(ctx, s->inline_stack, sizeof(s->inline_stack), BPF_F_USER_STACK);
	bpf_ringbuf_submit(s, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
