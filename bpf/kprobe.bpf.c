// SPDX-License-Identifier: BSD-2-Clause
/* One program for each way to attach to kernel functions without BTF. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "seen.h"

SEC("?kprobe")
int BPF_KPROBE(on_entry)
{
	return saw(ctx, 0);
}

SEC("?kprobe/security_task_getpgid")
int BPF_KPROBE(on_getpgid)
{
	return saw(ctx, 0);
}

SEC("?kretprobe")
int BPF_KRETPROBE(on_return, int ret)
{
	return saw(ctx, ret);
}

SEC("?kprobe.multi")
int BPF_KPROBE(on_entries)
{
	return saw(ctx, 0);
}

/* Runs at the end too, because it returns 0 at the beginning. */
SEC("?kprobe.session")
int BPF_KPROBE(on_session)
{
	return saw(ctx, 0);
}

SEC("?ksyscall")
int BPF_KSYSCALL(on_syscall, int pid)
{
	return saw(ctx, pid);
}

SEC("?kretsyscall")
int BPF_KRETPROBE(on_syscall_return, int ret)
{
	return saw(ctx, ret);
}

char LICENSE[] SEC("license") = "GPL";
