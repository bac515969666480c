// SPDX-License-Identifier: BSD-2-Clause
/*
 * Traffic control programs, for clsact, tcx and netkit, that act on the test's own frames: two that count and
 * leave a trail of the order in which they ran, one that drops, and one that sends the frame to another device.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_TEST 0x88b5 /* for local experiments, IEEE 802 */
#define NEXT -1		  /* TC_ACT_UNSPEC, TCX_NEXT, NETKIT_NEXT */
#define DROP 2		  /* TC_ACT_SHOT, TCX_DROP, NETKIT_DROP */

__u64 first_hits = 0;
__u64 second_hits = 0;
__u64 drops = 0;
__u64 trail = 0; /* decimal digits */
__u32 redirect_to = 0;

static bool is_test(struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_TEST);
}

SEC("tc")
int first(struct __sk_buff *skb)
{
	if (is_test(skb)) {
		__sync_fetch_and_add(&first_hits, 1);
		trail = trail * 10 + 1;
	}
	return NEXT;
}

SEC("tc")
int second(struct __sk_buff *skb)
{
	if (is_test(skb)) {
		__sync_fetch_and_add(&second_hits, 1);
		trail = trail * 10 + 2;
	}
	return NEXT;
}

SEC("tc")
int drop(struct __sk_buff *skb)
{
	if (!is_test(skb))
		return NEXT;
	__sync_fetch_and_add(&drops, 1);
	return DROP;
}

SEC("tc")
int redirect(struct __sk_buff *skb)
{
	return is_test(skb) ? bpf_redirect(redirect_to, 0) : NEXT;
}

char LICENSE[] SEC("license") = "GPL";
