// SPDX-License-Identifier: BSD-2-Clause
/* One program for each way to attach to functions in user space. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "seen.h"

SEC("?uprobe")
int BPF_UPROBE(on_entry, long x)
{
	return saw(ctx, x);
}

SEC("?uprobe//proc/self/exe:libbpf_go_target_one")
int BPF_UPROBE(on_target_one, long x)
{
	return saw(ctx, x);
}

SEC("?uretprobe")
int BPF_URETPROBE(on_return, long ret)
{
	return saw(ctx, ret);
}

SEC("?uprobe.multi")
int BPF_UPROBE(on_entries, long x)
{
	return saw(ctx, x);
}

SEC("?uretprobe.multi")
int BPF_URETPROBE(on_returns, long ret)
{
	return saw(ctx, ret);
}

/* Runs at the end too, because it returns 0 at the beginning. */
SEC("?uprobe.session")
int BPF_UPROBE(on_session, long x)
{
	return saw(ctx, x);
}

char LICENSE[] SEC("license") = "GPL";
