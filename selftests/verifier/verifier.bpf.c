// SPDX-License-Identifier: BSD-2-Clause
//go:build ignore

/* Two programs. The verifier rejects one, because it does not check whether the key exists. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("socket")
int careful(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	return count ? *count : 0;
}

SEC("socket")
int careless(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	return *count;
}

char LICENSE[] SEC("license") = "GPL";
