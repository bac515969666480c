// SPDX-License-Identifier: BSD-2-Clause
/* The Makefile compiles it without -g, so that it has no BTF, which an extern needs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

extern unsigned int CONFIG_HZ __kconfig;

SEC("socket")
int hz(void *ctx)
{
	return CONFIG_HZ;
}

char LICENSE[] SEC("license") = "GPL";
