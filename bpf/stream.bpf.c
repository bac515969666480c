// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes streams of records on demand: getpgid(MAGIC + (what << 12) + n) by a thread of the chosen process writes n
 * records, at most MOST, in one of the ways below. Every attempt takes the stream's next number, with which the record
 * begins, and counts as produced; those that did not fit count as lost.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define MAGIC 0x40000000
#define MOST 512

enum what {
	TO_RING,
	TO_RING_SILENTLY, /* without waking the reader */
	TO_RING_FORCED,	  /* waking the reader in any case */
	DISCARD,	  /* reserves and discards */
	TO_PERF,
	HOLD, /* reserves a record and submits it when "release" is set */
	WHATS,
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} perf SEC(".maps");

const volatile __u32 target_tgid = 0;
const volatile __u32 getpgid_nr = 0;
const volatile __u32 record_size = 64;

struct totals {
	__u64 produced;
	__u64 lost;
};

/* How many calls of getpgid the programs handled. */
__u64 calls = 0;

struct totals ring_totals = {};
struct totals perf_totals = {};

/* HOLD sets "held" when it has reserved its record. */
volatile __u64 held = 0;
volatile __u64 release = 0;

/* Each CPU has its own record to write from. */
struct record {
	__u64 number;
	__u8 bytes[504];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct record);
} scratch SEC(".maps");

static __always_inline void write(void *ctx, struct record *record, __u32 what)
{
	__u32 size = record_size;
	__u64 flags = 0;
	void *reserved;

	if (size > sizeof(*record))
		return;
	switch (what) {
	case TO_RING:
	case TO_RING_SILENTLY:
	case TO_RING_FORCED:
		record->number = __sync_fetch_and_add(&ring_totals.produced, 1);
		if (what == TO_RING_SILENTLY)
			flags = BPF_RB_NO_WAKEUP;
		else if (what == TO_RING_FORCED)
			flags = BPF_RB_FORCE_WAKEUP;
		if (bpf_ringbuf_output(&ring, record, size, flags))
			__sync_fetch_and_add(&ring_totals.lost, 1);
		break;
	case DISCARD:
		reserved = bpf_ringbuf_reserve(&ring, 64, 0);
		if (reserved)
			bpf_ringbuf_discard(reserved, 0);
		break;
	case TO_PERF:
		record->number = __sync_fetch_and_add(&perf_totals.produced, 1);
		if (bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, record, size))
			__sync_fetch_and_add(&perf_totals.lost, 1);
		break;
	}
}

/* Parses the argument of a getpgid call: what to write, and in *n how many. WHATS if the call is not the test's. */
static __always_inline __u32 parse(struct bpf_raw_tracepoint_args *ctx, __u32 *n)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	unsigned long arg;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid || ctx->args[1] != getpgid_nr)
		return WHATS;
	arg = PT_REGS_PARM1_CORE_SYSCALL(regs) - MAGIC;
	if (arg >= WHATS << 12)
		return WHATS;
	*n = arg & 0xfff;
	return arg >> 12;
}

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct record *record;
	__u32 n, i, zero = 0, what = parse(ctx, &n);

	if (what >= HOLD)
		return 0;
	record = bpf_map_lookup_elem(&scratch, &zero);
	if (!record)
		return 0;
	for (i = 0; i < MOST && i < n; i++)
		write(ctx, record, what);
	__sync_fetch_and_add(&calls, 1);
	return 0;
}

static long spin(__u32 i, __u64 *end)
{
	return release || bpf_ktime_get_ns() > *end;
}

static long spin_on(__u32 i, __u64 *end)
{
	bpf_loop(1 << 23, spin, end, 0);
	return spin(i, end);
}

/* Linux 5.17. */
SEC("?raw_tp/sys_enter")
int on_hold(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 *reserved, end = bpf_ktime_get_ns() + 5000000000ULL;
	__u32 n;

	if (parse(ctx, &n) != HOLD)
		return 0;
	reserved = bpf_ringbuf_reserve(&ring, 64, 0);
	if (!reserved)
		return 0;
	*reserved = __sync_fetch_and_add(&ring_totals.produced, 1);
	held = 1;
	bpf_loop(1 << 10, spin_on, &end, 0);
	bpf_ringbuf_submit(reserved, 0);
	__sync_fetch_and_add(&calls, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
