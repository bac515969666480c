// SPDX-License-Identifier: BSD-2-Clause
/* Linked with link_library.bpf.c: each has what the other one lacks. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "link.h"

extern struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct shared);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} own SEC(".maps");

extern const volatile __u32 factor;
extern int counter;
extern int add(int a, int b);

int base = 100;

static __noinline int twice(int x)
{
	return 2 * x;
}

__weak int weak(void)
{
	return 1;
}

SEC("socket")
int total(void *ctx)
{
	__u32 key = 1;
	struct shared *s = bpf_map_lookup_elem(&shared, &key);

	if (!s)
		return -1;
	key = 0;
	if (!bpf_map_lookup_elem(&own, &key))
		return -2;
	s->hits++;
	s->last = add(twice(base), counter);
	return s->last * factor + weak();
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
