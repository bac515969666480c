// SPDX-License-Identifier: BSD-2-Clause
/* Netfilter programs: one counts what it sees and accepts it, one drops it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define NF_ACCEPT 1
#define NF_DROP 0

__u64 accepted = 0;
__u64 dropped = 0;

SEC("netfilter")
int accept(struct bpf_nf_ctx *ctx)
{
	__sync_fetch_and_add(&accepted, 1);
	return NF_ACCEPT;
}

SEC("netfilter")
int drop(struct bpf_nf_ctx *ctx)
{
	__sync_fetch_and_add(&dropped, 1);
	return NF_DROP;
}

char LICENSE[] SEC("license") = "GPL";
