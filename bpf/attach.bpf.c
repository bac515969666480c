// SPDX-License-Identifier: BSD-2-Clause
/*
 * Programs for attaching by section: two that attach on any kernel, one whose section names no place, and one that
 * loads but can't be attached, because its tracepoint does not exist. The last is off by default.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

const volatile __u32 target_tgid = 0;

__u64 enters = 0;
__u64 exits = 0;

SEC("tp_btf/sys_enter")
int on_enter(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == target_tgid)
		__sync_fetch_and_add(&enters, 1);
	return 0;
}

SEC("raw_tp/sys_exit")
int on_exit(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == target_tgid)
		__sync_fetch_and_add(&exits, 1);
	return 0;
}

SEC("xdp")
int anywhere(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("?raw_tp/no_such_tracepoint")
int nowhere(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
