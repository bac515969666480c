//go:build ignore

/* A map for many series of many CPUs, which a test fills. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u64);
} load SEC(".maps");

const volatile __u32 keys = 10000;
const volatile int pid; /* who fills it */
__u32 next;

/* Each system call of that process adds some elements. */
SEC("raw_tp/sys_enter")
int fill(void *ctx)
{
	__u64 one = 1;

	if (bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	for (int i = 0; i < 100; i++) {
		__u32 key = __sync_fetch_and_add(&next, 1);

		if (key >= keys)
			return 0;
		bpf_map_update_elem(&load, &key, &one, BPF_ANY);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
