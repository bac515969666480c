// SPDX-License-Identifier: BSD-2-Clause
/* Programs of network namespaces and of sockmaps. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} streams SEC(".maps");

__u64 lookup_hits = 0;
__u64 lookup_hits_2 = 0;
__u64 dissector_hits = 0;
__u64 dissector_hits_2 = 0;
__u64 verdict_hits = 0;
__u64 verdict_hits_2 = 0;
__u64 msg_hits = 0;
/* Connections to this port go to the listener in the map. */
__u32 steered_port = 0;

static int steer(struct bpf_sk_lookup *ctx, __u64 *hits)
{
	const __u32 key = 0;
	struct bpf_sock *sk;
	int err;

	if (ctx->local_port != steered_port)
		return SK_PASS;
	__sync_fetch_and_add(hits, 1);
	sk = bpf_map_lookup_elem(&listeners, &key);
	if (!sk)
		return SK_PASS;
	err = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return err ? SK_DROP : SK_PASS;
}

SEC("sk_lookup")
int lookup(struct bpf_sk_lookup *ctx)
{
	return steer(ctx, &lookup_hits);
}

SEC("sk_lookup")
int lookup_2(struct bpf_sk_lookup *ctx)
{
	return steer(ctx, &lookup_hits_2);
}

SEC("flow_dissector")
int dissect(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&dissector_hits, 1);
	return 0; /* BPF_OK */
}

SEC("flow_dissector")
int dissect_2(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&dissector_hits_2, 1);
	return 0; /* BPF_OK */
}

/* Redirects data that arrives at a socket of the map to the socket at index 1. */
SEC("sk_skb/stream_verdict")
int verdict(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&verdict_hits, 1);
	return bpf_sk_redirect_map(skb, &streams, 1, 0);
}

SEC("sk_skb/stream_verdict")
int verdict_2(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&verdict_hits_2, 1);
	return bpf_sk_redirect_map(skb, &streams, 1, 0);
}

SEC("sk_msg")
int msg(struct sk_msg_md *ctx)
{
	__sync_fetch_and_add(&msg_hits, 1);
	return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
