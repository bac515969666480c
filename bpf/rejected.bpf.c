// SPDX-License-Identifier: BSD-2-Clause
/* A program that every verifier rejects, after one that it accepts: it dereferences a number. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("socket")
int accepted(void *ctx)
{
	return 0;
}

SEC("socket")
int rejected(void *ctx)
{
	return *(volatile int *)(long)bpf_get_prandom_u32();
}

char LICENSE[] SEC("license") = "GPL";
