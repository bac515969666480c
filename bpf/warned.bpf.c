// SPDX-License-Identifier: BSD-2-Clause
/*
 * libbpf warns about an optional step, and then another step fails. The kernel refuses the BTF for the name with
 * a dollar sign, and then the callback, which needs BTF.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct odd {
	char before;
	char not$a$name;
};

struct odd odd = { .before = 1 };

static int next(__u32 i, void *ctx)
{
	return i + (long)ctx > 3;
}

SEC("?socket")
int loops(void *ctx)
{
	return bpf_loop(odd.before, next, (void *)0, 0);
}

/* Here the pin fails if the folder does not exist. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} counts SEC(".maps");

SEC("?socket")
int plain(void *ctx)
{
	return odd.before;
}

char LICENSE[] SEC("license") = "GPL";
