// SPDX-License-Identifier: BSD-2-Clause
/* Programs that take the verifier long: it walks through each round of a loop, and can log each. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

const volatile __u32 rounds = 8000;

static __always_inline __u32 go_round(void)
{
	__u32 i, sum = 0;

#pragma clang loop unroll(disable)
	for (i = 0; i < rounds; i++) {
		sum += i;
		barrier_var(sum);
	}
	return sum;
}

SEC("?socket")
int accepted_late(void *ctx)
{
	return go_round() & 1;
}

/* At the end it dereferences a number. */
SEC("?socket")
int rejected_late(void *ctx)
{
	return *(volatile int *)(long)go_round();
}

char LICENSE[] SEC("license") = "GPL";
