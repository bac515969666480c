// SPDX-License-Identifier: BSD-2-Clause
/* Is compiled for the other order of bytes than this machine's. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct key {
	__u16 port;
	__u8 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 77);
	__type(key, struct key);
	__type(value, __u64);
} counts SEC(".maps");

__u32 number = 0x01020304;

SEC("socket")
int count(void *ctx)
{
	struct key key = { .port = 80 };

	return bpf_map_lookup_elem(&counts, &key) ? number : 0;
}

char LICENSE[] SEC("license") = "GPL";
