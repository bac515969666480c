// SPDX-License-Identifier: BSD-2-Clause
/* A TCP congestion control that only counts the connections that ask for it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

__u64 connections = 0;

SEC("struct_ops")
void BPF_PROG(init_connection, struct sock *sk)
{
	__sync_fetch_and_add(&connections, 1);
}

SEC("struct_ops")
__u32 BPF_PROG(ssthresh, struct sock *sk)
{
	return 2;
}

SEC("struct_ops")
void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC("struct_ops")
__u32 BPF_PROG(undo_cwnd, struct sock *sk)
{
	return 2;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops congestion = {
	.init = (void *)init_connection,
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "libbpf_go",
};

char LICENSE[] SEC("license") = "GPL";
