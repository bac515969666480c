//go:build ignore

/* Drops packets by the network of their source, and counts what each rule meets. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd

/* An IPv4 address is in ::ffff:0:0/96, so one trie has both kinds. */
struct prefix {
	__u32 bits;
	__u8 address[16];
};

struct rule {
	__u64 packets;
	__u64 bytes;
	__u32 drop;
	__u32 line; /* in the file of the rules */
};

struct rules {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct prefix);
	__type(value, struct rule);
} no_rules SEC(".maps");

/* The rules in force are at index 0: to put others there is to change all at once. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct rules);
} in_force SEC(".maps") = {
	.values = { &no_rules },
};

struct counts {
	__u64 packets;
	__u64 bytes;
};

/* What has passed, and what was dropped. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct counts);
} totals SEC(".maps");

/* Finds the source of a packet; false if it has none. */
static bool source(struct xdp_md *ctx, struct prefix *key)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct ipv6hdr *ip6 = (void *)(eth + 1);

	key->bits = 128;
	if ((void *)(eth + 1) > end)
		return false;
	switch (bpf_ntohs(eth->h_proto)) {
	case ETH_P_IP:
		if ((void *)(ip + 1) > end)
			return false;
		key->address[10] = key->address[11] = 0xff;
		__builtin_memcpy(key->address + 12, &ip->saddr, 4);
		return true;
	case ETH_P_IPV6:
		if ((void *)(ip6 + 1) > end)
			return false;
		__builtin_memcpy(key->address, &ip6->saddr, 16);
		return true;
	}
	return false;
}

SEC("xdp")
int filter(struct xdp_md *ctx)
{
	__u32 zero = 0, drop = 0;
	__u64 size = ctx->data_end - ctx->data;
	struct prefix key = {};
	struct counts *total;
	struct rule *rule;
	void *table;

	if (source(ctx, &key)) {
		table = bpf_map_lookup_elem(&in_force, &zero);
		if (!table)
			return XDP_ABORTED;
		rule = bpf_map_lookup_elem(table, &key);
		if (rule) {
			__sync_fetch_and_add(&rule->packets, 1);
			__sync_fetch_and_add(&rule->bytes, size);
			drop = rule->drop;
		}
	}
	total = bpf_map_lookup_elem(&totals, &drop);
	if (total) {
		total->packets++;
		total->bytes += size;
	}
	return drop ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
