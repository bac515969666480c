//go:build ignore

/* Reports each TCP connection when it ends: who, how long, how much. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define AF_INET 2

/* The network namespace to look at; 0 for all. */
const volatile __u32 netns;

/* Events that found no room. */
__u64 lost;

struct connection {
	__u64 began_ns;
	int pid; /* 0 if the kernel opened the connection for somebody who listens */
	char comm[16];
};

/* By the address of the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct connection);
} open SEC(".maps");

struct event {
	struct connection who;
	__u64 lasted_ns;
	__u64 sent; /* bytes that the other side has acknowledged */
	__u64 received;
	__u32 rtt_us;
	__u16 local_port;
	__u16 remote_port;
	__u8 local[16];
	__u8 remote[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct event);
} events SEC(".maps");

/* An IPv4 address is in ::ffff:0:0/96. */
static void map_ipv4(__u8 *to, __be32 address)
{
	__builtin_memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

static void report(struct sock *sk, struct connection *c)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct event *event;

	if (!tcp)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	event->who = *c;
	event->lasted_ns = bpf_ktime_get_ns() - c->began_ns;
	event->sent = tcp->bytes_acked;
	event->received = tcp->bytes_received;
	event->rtt_us = tcp->srtt_us >> 3;
	/* What other members say of the local port is gone when the socket is closed. */
	event->local_port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	event->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	if (sk->__sk_common.skc_family == AF_INET) {
		map_ipv4(event->local, sk->__sk_common.skc_rcv_saddr);
		map_ipv4(event->remote, sk->__sk_common.skc_daddr);
	} else {
		__builtin_memcpy(event->local, &sk->__sk_common.skc_v6_rcv_saddr, 16);
		__builtin_memcpy(event->remote, &sk->__sk_common.skc_v6_daddr, 16);
	}
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock *sk, int old_state, int new_state)
{
	struct connection new = {}, *c;
	__u64 key = (__u64)sk;

	if (sk->sk_protocol != IPPROTO_TCP || (netns && sk->__sk_common.skc_net.net->ns.inum != netns))
		return 0;
	switch (new_state) {
	case TCP_SYN_SENT: /* connect(): the process itself is here */
		new.pid = bpf_get_current_pid_tgid() >> 32;
		bpf_get_current_comm(new.comm, sizeof(new.comm));
		/* fallthrough */
	case TCP_SYN_RECV:
		new.began_ns = bpf_ktime_get_ns();
		bpf_map_update_elem(&open, &key, &new, BPF_ANY);
		break;
	case TCP_CLOSE:
		c = bpf_map_lookup_elem(&open, &key);
		if (!c)
			break;
		if (old_state != TCP_SYN_SENT) /* it never was a connection */
			report(sk, c);
		bpf_map_delete_elem(&open, &key);
		break;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
