// SPDX-License-Identifier: BSD-2-Clause
/* Programs for tracepoints in each of their forms, which see getpgid(2), and for perf events. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "seen.h"

const volatile __u32 getpgid_nr = 0;

SEC("?tp")
int on_tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	return saw(ctx, ctx->args[0]);
}

SEC("?tp/syscalls/sys_enter_getpgid")
int on_getpgid(struct trace_event_raw_sys_enter *ctx)
{
	return saw(ctx, ctx->args[0]);
}

SEC("?raw_tp")
int on_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return ctx->args[1] == getpgid_nr ? saw(ctx, ctx->args[1]) : 0;
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(on_btf_tracepoint, struct pt_regs *regs, long id)
{
	return id == getpgid_nr ? saw(ctx, id) : 0;
}

SEC("?perf_event")
int on_perf_event(struct bpf_perf_event_data *ctx)
{
	return saw(ctx, 0);
}

char LICENSE[] SEC("license") = "GPL";
