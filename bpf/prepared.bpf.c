// SPDX-License-Identifier: BSD-2-Clause
/* A program that the verifier accepts only if it knows a map's content: it rejects a divisor of zero. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[64]);
} data SEC(".maps");

SEC("socket")
int read_at_limit(struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u64 *limit = bpf_map_lookup_elem(&limits, &zero);
	__u8 *bytes = bpf_map_lookup_elem(&data, &zero);

	if (!limit || !bytes)
		return 0;
	/* Within bounds only with the limit that is in the map during verification. */
	return bytes[*limit];
}

char LICENSE[] SEC("license") = "GPL";
