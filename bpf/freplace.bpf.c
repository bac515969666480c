// SPDX-License-Identifier: BSD-2-Clause
/* A program whose function can be replaced, and the replacement. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "seen.h"

const volatile __u32 getpgid_nr = 0;

/* Returns a value that shows that it was called, and not the replacement, which may return only a program's values. */
__noinline int replaceable(struct bpf_raw_tracepoint_args *ctx)
{
	barrier_var(ctx); /* otherwise the compiler does not pass the unused argument */
	seen.value = 1;
	return 0;
}

SEC("?raw_tp/sys_enter")
int replaced(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] != getpgid_nr || !targeted())
		return 0;
	saw(ctx, 0);
	return replaceable(ctx);
}

SEC("?freplace/replaceable")
int replacement(struct bpf_raw_tracepoint_args *ctx)
{
	return saw(ctx, 0);
}

char LICENSE[] SEC("license") = "GPL";
