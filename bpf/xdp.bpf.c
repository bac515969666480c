// SPDX-License-Identifier: BSD-2-Clause
/* XDP programs that count the test's own frames: one passes them on, one drops them. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_TEST 0x88b5 /* for local experiments, IEEE 802 */

__u64 passed = 0;
__u64 dropped = 0;

static bool is_test(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;

	return (void *)(eth + 1) <= end && eth->h_proto == bpf_htons(ETH_P_TEST);
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	if (is_test(ctx))
		__sync_fetch_and_add(&passed, 1);
	return XDP_PASS;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	if (!is_test(ctx))
		return XDP_PASS;
	__sync_fetch_and_add(&dropped, 1);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
