// SPDX-License-Identifier: BSD-2-Clause
/* Global variables in an arena. It needs no kernel types. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "arena.h"

struct {
	__uint(type, MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4); /* pages */
} arena SEC(".maps");

/* The section that clang 19 uses for "int __arena total". */
#define __arena SEC(".addr_space.1")

struct span {
	__u32 from;
	__u32 to;
};

__u64 total __arena = 40;
struct span spans[2] __arena = { { 1, 2 }, { 3, 4 } };

SEC("syscall")
int add(void *ctx)
{
	__u64 *place = &total;
	struct span *second = &spans[1];

	FOLLOW(place);
	FOLLOW(second);
	*place += second->to;
	second->from = 9;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
