// SPDX-License-Identifier: BSD-2-Clause
/* A program that allocates a page of an arena and writes to it. It needs no kernel types. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "arena.h"

#define ANY_NODE -1

void *bpf_arena_alloc_pages(void *map, void *addr, __u32 pages, int node, __u64 flags) __ksym;

struct {
	__uint(type, MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4); /* pages */
} arena SEC(".maps");

/* The context: what to write, and the address that was written to. */
struct page {
	__u64 value;
	__u64 address;
};

SEC("syscall")
int write_page(struct page *page)
{
	__u64 *place = bpf_arena_alloc_pages(&arena, 0, 1, ANY_NODE, 0);

	if (!place)
		return 1;
	page->address = (__u64)place;
	FOLLOW(place);
	*place = page->value;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
