// SPDX-License-Identifier: BSD-2-Clause
/*
 * What bench measures on, and how it fills buffers: getpgid(MAGIC + (target << 12) + size) by a thread of the chosen
 * process fills the ring, or a perf buffer up to perf_bytes, with records of that size. Each begins with its number. The
 * target LIVE is for a process that writes while another one reads: the size is the number of records.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define MAGIC 0x40000000
#define TARGETS 6 /* the ring, the perf buffers, and the live one */
#define LIVE 4
#define MOST (1 << 22) /* more records than any buffer holds */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10000);
	__type(key, __u64);
	__type(value, __u64);
} elements SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ring SEC(".maps");

/* Each reader enters its own descriptors into its map. */
struct perf_map {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
};

struct perf_map perf_c SEC(".maps");
struct perf_map perf_ours SEC(".maps");
struct perf_map perf_reader SEC(".maps");
struct perf_map perf_cilium SEC(".maps");

const volatile __u32 target_tgid = 0;
volatile __u32 producer_tgid = 0;
__u64 live_lost = 0; /* records for which the ring had no room */
const volatile __u32 getpgid_nr = 0;
const volatile __u32 perf_bytes = 0;

union {
	__u64 number;
	char bytes[512];
} record;

static long add_to_ring(__u32 number, const __u32 *size)
{
	__u32 n = *size;

	if (n > sizeof(record))
		return 1;
	record.number = number;
	return bpf_ringbuf_output(&ring, &record, n, BPF_RB_NO_WAKEUP) != 0;
}

struct live_record {
	__u64 time;
	char rest[56];
};

static long add_live(__u32 number, void *ctx)
{
	struct live_record *live = bpf_ringbuf_reserve(&ring, sizeof(*live), 0);

	if (live) {
		live->time = bpf_ktime_get_ns();
		bpf_ringbuf_submit(live, 0);
	} else {
		__sync_fetch_and_add(&live_lost, 1);
	}
	return 0;
}

struct perf_fill {
	void *ctx;
	__u32 target;
	__u32 size;
};

static long add_to_perf(__u32 number, const struct perf_fill *fill)
{
	__u32 n = fill->size;
	long err = 0;

	if (n > sizeof(record))
		return 1;
	record.number = number;
	switch (fill->target) {
	case 1:
		err = bpf_perf_event_output(fill->ctx, &perf_c, BPF_F_CURRENT_CPU, &record, n);
		break;
	case 2:
		err = bpf_perf_event_output(fill->ctx, &perf_ours, BPF_F_CURRENT_CPU, &record, n);
		break;
	case 3:
		err = bpf_perf_event_output(fill->ctx, &perf_cilium, BPF_F_CURRENT_CPU, &record, n);
		break;
	case 5:
		err = bpf_perf_event_output(fill->ctx, &perf_reader, BPF_F_CURRENT_CPU, &record, n);
		break;
	}
	return err != 0;
}

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	struct perf_fill fill = { .ctx = ctx };
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	unsigned long arg;

	if ((tgid != target_tgid && tgid != producer_tgid) || ctx->args[1] != getpgid_nr)
		return 0;
	arg = PT_REGS_PARM1_CORE_SYSCALL(regs);
	if (arg < MAGIC || arg >= MAGIC + (TARGETS << 12))
		return 0;
	fill.target = (arg - MAGIC) >> 12;
	fill.size = arg & 0xfff;
	switch (fill.target) {
	case 0:
		bpf_loop(MOST, add_to_ring, &fill.size, 0);
		break;
	case LIVE:
		bpf_loop(fill.size, add_live, NULL, 0);
		break;
	default: /* a header of 8 bytes, a size of 4, the record */
		bpf_loop(perf_bytes / (8 + ((4 + fill.size + 7) & ~7)), add_to_perf, &fill, 0);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
