// SPDX-License-Identifier: BSD-2-Clause
/*
 * Emits records on demand: getpgid(MAGIC + n) by a thread of the chosen process writes n records, at most MOST, to each
 * ring buffer and to the perf buffer. Records carry a sequence number and are filled with its low byte, so that a reader can tell a
 * lost, repeated or torn record.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define MAGIC 0x40000000
#define MOST 512
#define LARGE (300 << 10)

struct record {
	__u64 sequence;
	__u32 ring;
	__u32 size; /* of the payload */
	__u8 payload[48];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} more_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} perf_events SEC(".maps");

const volatile __u32 target_tgid = 0;
const volatile __u32 getpgid_nr = 0;
/* If it is LARGE, one record of that size follows the others in the ring buffer "events". */
const volatile __u32 large_size = 0;

__u64 lost_events = 0;
__u64 sequence = 0;

/* Puts the type of the records into the BTF. */
const struct record *unused __attribute__((unused));

static __always_inline void emit(void *ctx)
{
	struct record fixed = {};
	struct record *r;
	__u64 n = sequence;

	/* An atomic operation with a result needs Linux 5.12; the tests emit from one thread at a time. */
	sequence = n + 1;
	fixed.sequence = n;
	fixed.size = sizeof(fixed.payload);
	__builtin_memset(fixed.payload, 0, sizeof(fixed.payload));
	fixed.payload[0] = n;
	fixed.payload[47] = n;
	r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	if (r) {
		*r = fixed;
		bpf_ringbuf_submit(r, 0);
	} else {
		__sync_fetch_and_add(&lost_events, 1);
	}
	fixed.ring = 1;
	if (bpf_ringbuf_output(&more_events, &fixed, sizeof(fixed), 0))
		__sync_fetch_and_add(&lost_events, 1);
	fixed.ring = 2;
	bpf_perf_event_output(ctx, &perf_events, BPF_F_CURRENT_CPU, &fixed, sizeof(fixed));
}

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	unsigned long arg, i;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid || ctx->args[1] != getpgid_nr)
		return 0;
	arg = PT_REGS_PARM1_CORE_SYSCALL(regs);
	if (arg < MAGIC || arg > MAGIC + MOST)
		return 0;
	for (i = 0; i < MOST && i < arg - MAGIC; i++)
		emit(ctx);
	if (large_size == LARGE) {
		char *large = bpf_ringbuf_reserve(&events, LARGE, 0);

		if (large) {
			large[0] = 'L';
			large[LARGE - 1] = 'E';
			bpf_ringbuf_submit(large, 0);
		}
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
