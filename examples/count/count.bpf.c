//go:build ignore

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

const volatile int pid; /* the process to watch */
__u64 calls;

SEC("raw_tp/sys_enter")
int count(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == pid)
		__sync_fetch_and_add(&calls, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
