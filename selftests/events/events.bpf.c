// SPDX-License-Identifier: BSD-2-Clause
//go:build ignore

/*
 * Writes a record of each call of getpgid by one process to two ring buffers and to a perf buffer. The kernel tells the
 * reader of a perf buffer what it lost; for ring buffers the program counts that itself.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/* The process to watch; 0 for none. */
const volatile __u32 target_tgid = 0;

/* The number of getpgid, which differs by architecture. */
const volatile __u32 getpgid_nr = 0;

struct event {
	__u64 sequence;
};

struct totals {
	__u64 produced;
	__u64 small_lost;
	__u64 large_lost;
} totals = {};

/* So small that it overflows: one page, about two hundred records. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event);
} small SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct event);
} large SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__type(value, struct event);
} perf SEC(".maps");

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct event event;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid || ctx->args[1] != getpgid_nr)
		return 0;
	event.sequence = __sync_fetch_and_add(&totals.produced, 1);
	if (bpf_ringbuf_output(&small, &event, sizeof(event), 0))
		__sync_fetch_and_add(&totals.small_lost, 1);
	if (bpf_ringbuf_output(&large, &event, sizeof(event), 0))
		__sync_fetch_and_add(&totals.large_lost, 1);
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &event, sizeof(event));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
