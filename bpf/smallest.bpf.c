// SPDX-License-Identifier: BSD-2-Clause
// The smallest program. internal/testutil/hooks makes it one of each kind, to see which kinds the kernel takes.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("socket")
int smallest(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
