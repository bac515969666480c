//go:build ignore

/* A TCP congestion control: Reno, with never more than a few packets on their way. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* The most packets of a connection that may be on their way. */
const volatile __u32 most = 10;

__u64 connections;
__u64 capped_times;

/* Reno's own functions, in the kernel. */
extern __u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;
extern __u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;

static void cap(struct sock *sk)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;

	if (tcp->snd_cwnd > most) {
		tcp->snd_cwnd = most;
		__sync_fetch_and_add(&capped_times, 1);
	}
}

SEC("struct_ops")
void BPF_PROG(init, struct sock *sk)
{
	__sync_fetch_and_add(&connections, 1);
	cap(sk);
}

SEC("struct_ops")
void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	tcp_reno_cong_avoid(sk, ack, acked);
	cap(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(ssthresh, struct sock *sk)
{
	return tcp_reno_ssthresh(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(undo_cwnd, struct sock *sk)
{
	__u32 window = tcp_reno_undo_cwnd(sk);

	return window > most ? most : window;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops capped = {
	.name = "bpf_capped",
	.init = (void *)init,
	.cong_avoid = (void *)cong_avoid,
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
};

char LICENSE[] SEC("license") = "GPL";
