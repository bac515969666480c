// SPDX-License-Identifier: BSD-2-Clause
//go:build ignore

/*
 * Writes records on demand, to one of several buffers: getpgid(MAGIC + (stream << 12) + n) by a thread of the process
 * writes n of them, at most MOST. Each attempt is counted, and so is what became of those that failed.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define MAGIC 0x40000000
#define MOST 512

#define ENOSPC 28

enum stream {
	STREAM_RING_BUFFER,
	STREAM_RING_READER,
	STREAM_RING_CHANNEL,
	STREAM_PERF_BUFFER,
	STREAM_PERF_READER,
	STREAMS,
};

struct soak_record {
	__u64 number; /* ascends on each CPU */
	__u32 cpu;
	__u32 unused;
	__u64 bytes[6];
};

/* So small that they overflow. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 17);
	__type(value, struct soak_record);
} for_buffer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 17);
	__type(value, struct soak_record);
} for_reader SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 17);
	__type(value, struct soak_record);
} for_channel SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__type(value, struct soak_record);
} perf_for_buffer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__type(value, struct soak_record);
} perf_for_reader SEC(".maps");

const volatile __u32 target_tgid = 0;
const volatile __u32 getpgid_nr = 0;

struct stream_totals {
	__u64 produced;
	__u64 full;   /* the buffer was full */
	__u64 absent; /* there was no buffer: the CPU was offline before */
};

struct stream_totals totals[STREAMS] = {};

static __always_inline long output(void *ctx, __u32 stream, struct soak_record *record)
{
	switch (stream) {
	case STREAM_RING_BUFFER:
		/* The helper says EAGAIN where the one for perf buffers says ENOSPC. */
		return bpf_ringbuf_output(&for_buffer, record, sizeof(*record), 0) ? -ENOSPC : 0;
	case STREAM_RING_READER:
		return bpf_ringbuf_output(&for_reader, record, sizeof(*record), 0) ? -ENOSPC : 0;
	case STREAM_RING_CHANNEL:
		return bpf_ringbuf_output(&for_channel, record, sizeof(*record), 0) ? -ENOSPC : 0;
	case STREAM_PERF_BUFFER:
		return bpf_perf_event_output(ctx, &perf_for_buffer, BPF_F_CURRENT_CPU, record, sizeof(*record));
	case STREAM_PERF_READER:
		return bpf_perf_event_output(ctx, &perf_for_reader, BPF_F_CURRENT_CPU, record, sizeof(*record));
	}
	return 0;
}

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	struct soak_record record = {};
	struct stream_totals *total;
	unsigned long arg;
	__u32 i, stream;
	long err;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid || ctx->args[1] != getpgid_nr)
		return 0;
	arg = PT_REGS_PARM1_CORE_SYSCALL(regs) - MAGIC;
	stream = arg >> 12;
	if (arg >= STREAMS << 12 || stream >= STREAMS)
		return 0;
	total = &totals[stream];
	record.cpu = bpf_get_smp_processor_id();
	for (i = 0; i < MOST && i < (arg & 0xfff); i++) {
		record.number = __sync_fetch_and_add(&total->produced, 1);
		err = output(ctx, stream, &record);
		if (err == -ENOSPC)
			__sync_fetch_and_add(&total->full, 1);
		else if (err)
			__sync_fetch_and_add(&total->absent, 1);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
