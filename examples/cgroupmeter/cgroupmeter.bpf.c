//go:build ignore

/* Counts what each cgroup sends and receives over a device. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define TCX_NEXT -1

struct traffic {
	__u64 sent_packets;
	__u64 sent_bytes;
	__u64 received_packets;
	__u64 received_bytes;
};

/* By the id of the cgroup; 0 is what belongs to no socket of this machine. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct traffic);
} cgroups SEC(".maps");

extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym;

static struct traffic *traffic_of(__u64 cgroup)
{
	static const struct traffic none;
	struct traffic *traffic = bpf_map_lookup_elem(&cgroups, &cgroup);

	if (traffic)
		return traffic;
	bpf_map_update_elem(&cgroups, &cgroup, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&cgroups, &cgroup);
}

SEC("tcx/egress")
int egress(struct __sk_buff *skb)
{
	struct traffic *traffic = traffic_of(bpf_skb_cgroup_id(skb));

	if (traffic) {
		__sync_fetch_and_add(&traffic->sent_packets, 1);
		__sync_fetch_and_add(&traffic->sent_bytes, skb->len);
	}
	return TCX_NEXT;
}

/* A packet that comes in has no socket yet: finds the one that it will go to. */
static __u64 receiver(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct ipv6hdr ip6;
	struct bpf_sock *sk;
	struct sock *full;
	struct iphdr ip;
	__u32 ports, size;
	__u64 cgroup;
	__u8 protocol;

	switch (bpf_ntohs(skb->protocol)) {
	case ETH_P_IP:
		if (bpf_skb_load_bytes_relative(skb, 0, &ip, sizeof(ip), BPF_HDR_START_NET))
			return 0;
		protocol = ip.protocol;
		ports = ip.ihl * 4;
		size = sizeof(tuple.ipv4);
		tuple.ipv4.saddr = ip.saddr;
		tuple.ipv4.daddr = ip.daddr;
		if (bpf_skb_load_bytes_relative(skb, ports, &tuple.ipv4.sport, 4, BPF_HDR_START_NET))
			return 0;
		break;
	case ETH_P_IPV6:
		if (bpf_skb_load_bytes_relative(skb, 0, &ip6, sizeof(ip6), BPF_HDR_START_NET))
			return 0;
		protocol = ip6.nexthdr;
		size = sizeof(tuple.ipv6);
		__builtin_memcpy(tuple.ipv6.saddr, &ip6.saddr, 16);
		__builtin_memcpy(tuple.ipv6.daddr, &ip6.daddr, 16);
		if (bpf_skb_load_bytes_relative(skb, sizeof(ip6), &tuple.ipv6.sport, 4, BPF_HDR_START_NET))
			return 0;
		break;
	default:
		return 0;
	}
	if (protocol == IPPROTO_TCP)
		sk = bpf_sk_lookup_tcp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	else if (protocol == IPPROTO_UDP)
		sk = bpf_sk_lookup_udp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	else
		return 0;
	if (!sk)
		return 0;
	full = bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct sock));
	cgroup = full->sk_cgrp_data.cgroup->kn->id;
	bpf_sk_release(sk);
	return cgroup;
}

SEC("tcx/ingress")
int ingress(struct __sk_buff *skb)
{
	struct traffic *traffic = traffic_of(receiver(skb));

	if (traffic) {
		__sync_fetch_and_add(&traffic->received_packets, 1);
		__sync_fetch_and_add(&traffic->received_bytes, skb->len);
	}
	return TCX_NEXT;
}

char LICENSE[] SEC("license") = "GPL";
