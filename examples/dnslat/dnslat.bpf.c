//go:build ignore

/* Times DNS queries over UDP: from the query to its answer, as packets pass the devices of a network namespace. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define DNS_PORT 53
#define DNS_ANSWER 0x8000
#define KEPT 256

/* Events that found no room. */
__u64 lost;

/* A query; addresses as in IPv6, IPv4 is in ::ffff:0:0/96. */
struct query {
	__u8 client[16];
	__u8 server[16];
	__u16 port; /* of the client */
	__u16 id;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct query);
	__type(value, __u64);
} queries SEC(".maps");

struct answer {
	__u64 took_ns;
	__u8 server[16];
	__u32 size;
	__u8 message[KEPT]; /* how it begins: the header and the question */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct answer);
} answers SEC(".maps");

static void map_ipv4(__u8 *to, __be32 address)
{
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

/* Reads the headers, and returns where that of UDP is, or 0. Data begins with the network's header. */
static __u32 addresses(struct __sk_buff *skb, __u8 *source, __u8 *destination)
{
	struct ipv6hdr ip6;
	struct iphdr ip;

	switch (bpf_ntohs(skb->protocol)) {
	case ETH_P_IP:
		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.protocol != IPPROTO_UDP)
			return 0;
		map_ipv4(source, ip.saddr);
		map_ipv4(destination, ip.daddr);
		return ip.ihl * 4;
	case ETH_P_IPV6:
		if (bpf_skb_load_bytes(skb, 0, &ip6, sizeof(ip6)) || ip6.nexthdr != IPPROTO_UDP)
			return 0;
		__builtin_memcpy(source, &ip6.saddr, 16);
		__builtin_memcpy(destination, &ip6.daddr, 16);
		return sizeof(ip6);
	}
	return 0;
}

static void report(struct __sk_buff *skb, __u32 offset, struct query *query, __u64 took_ns)
{
	struct answer *answer = bpf_ringbuf_reserve(&answers, sizeof(*answer), 0);
	__u32 size = skb->len - offset;

	if (!answer) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	if (size > KEPT)
		size = KEPT;
	answer->took_ns = took_ns;
	answer->size = size;
	__builtin_memcpy(answer->server, query->server, 16);
	/* The verifier shall see that this is from 1 to KEPT; of 0, KEPT bytes cannot be read. */
	if (bpf_skb_load_bytes(skb, offset, answer->message, ((size - 1) & (KEPT - 1)) + 1))
		bpf_ringbuf_discard(answer, 0);
	else
		bpf_ringbuf_submit(answer, 0);
}

SEC("socket")
int dns(struct __sk_buff *skb)
{
	struct {
		__be16 id;
		__be16 flags;
	} header;
	__u8 source[16] = {}, destination[16] = {};
	struct query query = {};
	struct udphdr udp;
	__u32 offset = addresses(skb, source, destination);
	__u64 now = bpf_ktime_get_ns(), *sent;

	if (!offset || bpf_skb_load_bytes(skb, offset, &udp, sizeof(udp)) ||
	    bpf_skb_load_bytes(skb, offset + sizeof(udp), &header, sizeof(header)))
		return 0;
	query.id = header.id;
	if (udp.dest == bpf_htons(DNS_PORT) && !(header.flags & bpf_htons(DNS_ANSWER))) {
		__builtin_memcpy(query.client, source, 16);
		__builtin_memcpy(query.server, destination, 16);
		query.port = udp.source;
		/* A packet is seen at each device that it passes. The first time counts. */
		bpf_map_update_elem(&queries, &query, &now, BPF_NOEXIST);
	} else if (udp.source == bpf_htons(DNS_PORT) && header.flags & bpf_htons(DNS_ANSWER)) {
		__builtin_memcpy(query.client, destination, 16);
		__builtin_memcpy(query.server, source, 16);
		query.port = udp.dest;
		sent = bpf_map_lookup_elem(&queries, &query);
		if (sent) {
			report(skb, offset + sizeof(udp), &query, now - *sent);
			bpf_map_delete_elem(&queries, &query);
		}
	}
	return 0; /* the socket gets nothing */
}

char LICENSE[] SEC("license") = "GPL";
