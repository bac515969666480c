// SPDX-License-Identifier: BSD-2-Clause
//go:build ignore

/* A variable to read and to write: bpfgo gen makes the package around it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__u64 counter;

SEC("socket")
int count(void *ctx)
{
	__sync_fetch_and_add(&counter, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
