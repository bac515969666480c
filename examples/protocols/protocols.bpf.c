//go:build ignore

/* Counts packets by protocol. Each layer is a program of its own, which the one below calls. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_IP 0x0800
#define ETH_P_ARP 0x0806
#define ETH_P_IPV6 0x86dd
#define ICMPV6 58

enum protocol { OTHER, ARP, IPV4, IPV6, ICMP, TCP, HTTP, HTTPS, SSH, UDP, DNS, QUIC, PROTOCOLS };

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROTOCOLS);
	__type(key, __u32);
	__type(value, struct traffic);
} traffic SEC(".maps");

enum stage { STAGE_IPV4, STAGE_IPV6, STAGE_TCP, STAGE_UDP, STAGES };

int ipv4(struct __sk_buff *skb);
int ipv6(struct __sk_buff *skb);
int tcp(struct __sk_buff *skb);
int udp(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGES);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} stages SEC(".maps") = {
	.values = {
		[STAGE_IPV4] = (void *)&ipv4,
		[STAGE_IPV6] = (void *)&ipv6,
		[STAGE_TCP] = (void *)&tcp,
		[STAGE_UDP] = (void *)&udp,
	},
};

static int count(struct __sk_buff *skb, __u32 protocol)
{
	struct traffic *t = bpf_map_lookup_elem(&traffic, &protocol);

	if (t) {
		t->packets++;
		t->bytes += skb->len;
	}
	return 0; /* the socket gets nothing */
}

/* The stages leave where the next header begins for each other. */
#define OFFSET(skb) ((skb)->cb[0])

/* Goes on with a stage, and does not come back; or counts, if there is no such stage. */
static int next(struct __sk_buff *skb, enum stage stage, __u32 otherwise)
{
	bpf_tail_call(skb, &stages, stage);
	return count(skb, otherwise);
}

SEC("socket")
int link_layer(struct __sk_buff *skb)
{
	switch (bpf_ntohs(skb->protocol)) {
	case ETH_P_IP:
		return next(skb, STAGE_IPV4, IPV4);
	case ETH_P_IPV6:
		return next(skb, STAGE_IPV6, IPV6);
	case ETH_P_ARP:
		return count(skb, ARP);
	}
	return count(skb, OTHER);
}

static int transport(struct __sk_buff *skb, __u8 protocol, __u32 offset, __u32 otherwise)
{
	OFFSET(skb) = offset;
	switch (protocol) {
	case IPPROTO_TCP:
		return next(skb, STAGE_TCP, TCP);
	case IPPROTO_UDP:
		return next(skb, STAGE_UDP, UDP);
	case IPPROTO_ICMP:
	case ICMPV6:
		return count(skb, ICMP);
	}
	return count(skb, otherwise);
}

SEC("socket")
int ipv4(struct __sk_buff *skb)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
		return count(skb, OTHER);
	return transport(skb, ip.protocol, ip.ihl * 4, IPV4);
}

SEC("socket")
int ipv6(struct __sk_buff *skb)
{
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
		return count(skb, OTHER);
	return transport(skb, ip.nexthdr, sizeof(ip), IPV6);
}

/* The port of the server: the lower one. */
static __u16 server(struct __sk_buff *skb)
{
	struct {
		__be16 source;
		__be16 destination;
	} ports;
	__u16 a, b;

	if (bpf_skb_load_bytes(skb, OFFSET(skb), &ports, sizeof(ports)))
		return 0;
	a = bpf_ntohs(ports.source);
	b = bpf_ntohs(ports.destination);
	return a < b ? a : b;
}

SEC("socket")
int tcp(struct __sk_buff *skb)
{
	switch (server(skb)) {
	case 22:
		return count(skb, SSH);
	case 53:
		return count(skb, DNS);
	case 80:
		return count(skb, HTTP);
	case 443:
		return count(skb, HTTPS);
	}
	return count(skb, TCP);
}

SEC("socket")
int udp(struct __sk_buff *skb)
{
	switch (server(skb)) {
	case 53:
		return count(skb, DNS);
	case 443:
		return count(skb, QUIC);
	}
	return count(skb, UDP);
}

char LICENSE[] SEC("license") = "GPL";
