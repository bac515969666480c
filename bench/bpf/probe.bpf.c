// SPDX-License-Identifier: BSD-2-Clause
/* Programs to attach, which do nothing. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("uprobe")
int single(void *ctx)
{
	return 0;
}

SEC("uprobe.multi")
int multi(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
