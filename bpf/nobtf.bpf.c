// SPDX-License-Identifier: BSD-2-Clause
/* The Makefile compiles it without -g, so that it has no BTF. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__u64 count = 0;

SEC("socket")
int counting(void *ctx)
{
	__sync_fetch_and_add(&count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
