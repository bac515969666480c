// SPDX-License-Identifier: BSD-2-Clause
/* The struct of callbacks that the kernel has for test runs. It can't be registered. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Not each kernel's types have it, so it is declared here. libbpf finds the kernel's struct by the name before "___". */
struct bpf_dummy_ops_state___test;

struct bpf_dummy_ops___test {
	int (*test_2)(struct bpf_dummy_ops_state___test *state, int a, unsigned short b, char c, unsigned long d);
};

SEC("struct_ops")
int BPF_PROG(sum, struct bpf_dummy_ops_state___test *state, int a, unsigned short b, char c, unsigned long d)
{
	return a + b + c + d;
}

SEC(".struct_ops")
struct bpf_dummy_ops___test dummy = {
	.test_2 = (void *)sum,
};

char LICENSE[] SEC("license") = "GPL";
