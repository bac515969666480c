// SPDX-License-Identifier: BSD-2-Clause
/* Sections that not every libbpf knows, each in a program that is loaded only when a test asks for it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("?tcx/ingress")
int newer(void *ctx)
{
	return 0;
}

SEC("?nope/x")
int unknown(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
