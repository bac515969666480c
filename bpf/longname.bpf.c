// SPDX-License-Identifier: BSD-2-Clause
/* Names longer than the 15 characters that the kernel keeps. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} a_map_with_a_long_name SEC(".maps");

SEC("socket")
int a_program_with_a_long_name(void *ctx)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&a_map_with_a_long_name, &zero) != NULL;
}

char LICENSE[] SEC("license") = "GPL";
