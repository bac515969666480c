// SPDX-License-Identifier: BSD-2-Clause
/* A program with an instruction array. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, 34); /* BPF_MAP_TYPE_INSN_ARRAY, which headers of kernels before 6.19 lack */
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 16);
} places SEC(".maps");

SEC("socket")
int with_places(void *ctx)
{
	void *map = &places;

	/* The verifier checks the map because the program names it here. */
	asm volatile("" : : "r"(map));
	return 0;
}

char _license[] SEC("license") = "GPL";
