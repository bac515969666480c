// SPDX-License-Identifier: BSD-2-Clause
/* Writes records of any size to a perf buffer, in a test run or when the chosen process calls getpgid(MAGIC + size). */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define MAGIC 0x40000000
#define MOST (1 << 17)

const volatile __u32 target_tgid = 0;
const volatile __u32 getpgid_nr = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} perf SEC(".maps");

/* The content of the records: their number, then bytes from user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, char[MOST]);
} data SEC(".maps");

static __always_inline long write(void *ctx, __u64 number, __u64 size)
{
	__u32 zero = 0;
	__u64 *record = bpf_map_lookup_elem(&data, &zero);

	if (!record || size > MOST)
		return 1;
	*record = number;
	return bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, record, size);
}

/* For a test run: the record's number and size. Returns the helper's result. */
SEC("raw_tp")
int write_record(struct bpf_raw_tracepoint_args *ctx)
{
	return write(ctx, ctx->args[0], ctx->args[1]);
}

/* Writes a record of that size, and a short one. */
SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	__u64 size;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid || ctx->args[1] != getpgid_nr)
		return 0;
	size = PT_REGS_PARM1_CORE_SYSCALL(regs) - MAGIC;
	write(ctx, 0, size);
	write(ctx, 1, 64);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
