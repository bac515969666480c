// SPDX-License-Identifier: BSD-2-Clause
/* Counts the hits of the tests' own USDT probe, and sums its argument up. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

const volatile __u32 target_tgid = 0;

__u64 hits = 0;
__u64 sum = 0;
__u64 cookie = 0;

static __always_inline int count(void *ctx, long x)
{
	if (bpf_get_current_pid_tgid() >> 32 == target_tgid) {
		__sync_fetch_and_add(&hits, 1);
		__sync_fetch_and_add(&sum, x);
		cookie = bpf_usdt_cookie(ctx);
	}
	return 0;
}

SEC("usdt//proc/self/exe:libbpf_go:probe")
int BPF_USDT(on_probe, long x)
{
	return count(ctx, x);
}

/* The sections have only the kind of the programs, not a place. */
SEC("?usdt")
int BPF_USDT(on_any_probe, long x)
{
	return count(ctx, x);
}

SEC("?uprobe.multi")
int BPF_USDT(on_multi, long x)
{
	return count(ctx, x);
}

char LICENSE[] SEC("license") = "GPL";
