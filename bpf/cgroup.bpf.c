// SPDX-License-Identifier: BSD-2-Clause
/* One program for each kind of event in a cgroup. All count, and some decide. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ALLOW 1
#define DENY 0

__u64 egress_hits = 0;
__u64 egress_hits_2 = 0;
__u64 trail = 0; /* decimal digits */
__u64 connect_hits = 0;
__u64 bind_hits = 0;
__u64 sock_create_hits = 0;
__u64 sock_ops_hits = 0;
__u64 sockopt_hits = 0;
__u64 sysctl_hits = 0;
__u64 device_hits = 0;

/* Connections to the first port go to the second one, in host byte order. */
__u32 connect_from = 0;
__u32 connect_to = 0;
/* No socket may be bound to this port. */
__u32 bind_deny = 0;

SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&egress_hits, 1);
	trail = trail * 10 + 1;
	return ALLOW;
}

SEC("cgroup_skb/egress")
int egress_2(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&egress_hits_2, 1);
	trail = trail * 10 + 2;
	return ALLOW;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&connect_hits, 1);
	if (connect_from && bpf_ntohs(ctx->user_port) == connect_from)
		ctx->user_port = bpf_htons(connect_to);
	return ALLOW;
}

SEC("cgroup/bind4")
int bind4(struct bpf_sock_addr *ctx)
{
	__sync_fetch_and_add(&bind_hits, 1);
	return bind_deny && bpf_ntohs(ctx->user_port) == bind_deny ? DENY : ALLOW;
}

SEC("cgroup/sock_create")
int sock_create(struct bpf_sock *ctx)
{
	__sync_fetch_and_add(&sock_create_hits, 1);
	return ALLOW;
}

SEC("sockops")
int sock_ops(struct bpf_sock_ops *ctx)
{
	__sync_fetch_and_add(&sock_ops_hits, 1);
	return 1;
}

SEC("cgroup/getsockopt")
int getsockopt(struct bpf_sockopt *ctx)
{
	__sync_fetch_and_add(&sockopt_hits, 1);
	return ALLOW;
}

SEC("cgroup/sysctl")
int sysctl(struct bpf_sysctl *ctx)
{
	__sync_fetch_and_add(&sysctl_hits, 1);
	return ALLOW;
}

SEC("cgroup/dev")
int device(struct bpf_cgroup_dev_ctx *ctx)
{
	__sync_fetch_and_add(&device_hits, 1);
	return ALLOW;
}

char LICENSE[] SEC("license") = "GPL";
