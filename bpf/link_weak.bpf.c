// SPDX-License-Identifier: BSD-2-Clause
/* Has a weak variable in another section than link_library.bpf.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__weak int counter;

SEC("socket")
int count(void *ctx)
{
	return counter++;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
