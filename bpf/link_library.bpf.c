// SPDX-License-Identifier: BSD-2-Clause
/* Linked with link_main.bpf.c: each has what the other one lacks. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "link.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct shared);
} shared SEC(".maps");

extern int base;

const volatile __u32 factor = 10;
int counter = 7;

static __noinline int twice(int x)
{
	return x + x;
}

int weak(void)
{
	return 3;
}

int add(int a, int b)
{
	return a + b;
}

SEC("socket")
int other(void *ctx)
{
	return twice(base) + counter;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
