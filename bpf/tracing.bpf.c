// SPDX-License-Identifier: BSD-2-Clause
/*
 * Programs that the kernel calls from its functions by trampolines. Kernels without them refuse to load these programs,
 * so they are off by default.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "seen.h"

SEC("?fentry/security_task_getpgid")
int BPF_PROG(on_fentry, struct task_struct *p)
{
	return saw(ctx, 0);
}

SEC("?fexit/security_task_getpgid")
int BPF_PROG(on_fexit, struct task_struct *p, int ret)
{
	return saw(ctx, ret);
}

/* Makes the test's own getpgid fail. */
SEC("?fmod_ret/security_task_getpgid")
int BPF_PROG(on_fmod_ret, struct task_struct *p, int ret)
{
	saw(ctx, ret);
	return targeted() ? -1 : ret;
}

/* Runs at the end too, because it returns 0 at the beginning. */
SEC("?fsession/security_task_getpgid")
int BPF_PROG(on_fsession, struct task_struct *p)
{
	return saw(ctx, 0);
}

/* Makes the test's own getpgid fail. */
SEC("?lsm/task_getpgid")
int BPF_PROG(on_lsm, struct task_struct *p, int ret)
{
	saw(ctx, ret);
	return targeted() ? -1 : ret;
}

char LICENSE[] SEC("license") = "GPL";
