// SPDX-License-Identifier: BSD-2-Clause
/* A program that allocates a page of an arena and writes to it. It needs no types of the kernel's own. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/*
 * Makes a pointer into the arena one that the program can follow: addr_space_cast, an instruction that compilers before
 * clang 19 have no name for. Its second byte has the register twice.
 */
#define IF_REGISTER(n) ".ifc %[at], r" #n "\n.byte 0x" #n #n "\n.endif\n"
#define FOLLOW(p)                                                                                                      \
	asm volatile(".byte 0xbf\n" IF_REGISTER(0) IF_REGISTER(1) IF_REGISTER(2) IF_REGISTER(3) IF_REGISTER(4)          \
			     IF_REGISTER(5) IF_REGISTER(6) IF_REGISTER(7) IF_REGISTER(8) IF_REGISTER(9)                \
		     ".short 1\n.long 1\n"                                                                             \
		     : [at] "+r"(p))

/* As vmlinux.h has them, of kernels that know arenas. */
#define MAP_TYPE_ARENA 33
#define ANY_NODE -1

void *bpf_arena_alloc_pages(void *map, void *addr, __u32 pages, int node, __u64 flags) __ksym;

struct {
	__uint(type, MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4); /* pages */
} arena SEC(".maps");

/* The context: what to write, and where that was. */
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
