// SPDX-License-Identifier: BSD-2-Clause
/* Programs whose sections name places in user space. Some of these places do not exist. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>
#include "seen.h"

SEC("?uprobe//proc/self/exe:libbpf_go_target_one+0")
int BPF_UPROBE(function, long x)
{
	return saw(ctx, x);
}

SEC("?uprobe//proc/self/exe:faccessat")
int BPF_UPROBE(imported, long x)
{
	return saw(ctx, x);
}

SEC("?uprobe.multi//proc/self/exe:libbpf_go_*_one")
int BPF_UPROBE(pattern, long x)
{
	return saw(ctx, x);
}

SEC("?uprobe.multi//proc/self/exe:faccessa*")
int BPF_UPROBE(imported_pattern, long x)
{
	return saw(ctx, x);
}

SEC("?uretprobe.multi/libc.so.6:no_such_function")
int BPF_URETPROBE(missing_pattern, long x)
{
	return saw(ctx, x);
}

SEC("?usdt//proc/self/exe:libbpf_go:no_such_probe")
int BPF_USDT(missing_probe, long x)
{
	return saw(ctx, x);
}

char LICENSE[] SEC("license") = "GPL";
