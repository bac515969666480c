// SPDX-License-Identifier: BSD-2-Clause
/* The struct of callbacks that the kernel has for test runs. It can't be registered. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

SEC("struct_ops")
int BPF_PROG(add, struct bpf_dummy_ops_state *state, int a, unsigned short b, char c, unsigned long d)
{
	return a + b + c + d;
}

SEC(".struct_ops")
struct bpf_dummy_ops dummy = {
	.test_2 = (void *)add,
};

char LICENSE[] SEC("license") = "GPL";
