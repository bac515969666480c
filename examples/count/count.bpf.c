//go:build ignore

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct first {
	__u32 call;
	char thread[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
	__type(value, struct first); /* what the records are */
} firsts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

const volatile int pid; /* the process to watch */
__u64 total;

SEC("raw_tp/sys_enter")
int count(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 call = ctx->args[1];
	__u64 *n, one = 1;
	struct first *first;

	if (bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	__sync_fetch_and_add(&total, 1);
	n = bpf_map_lookup_elem(&counts, &call);
	if (n) {
		__sync_fetch_and_add(n, 1);
		return 0;
	}
	bpf_map_update_elem(&counts, &call, &one, BPF_ANY);
	first = bpf_ringbuf_reserve(&firsts, sizeof(*first), 0);
	if (first) {
		first->call = call;
		bpf_get_current_comm(first->thread, sizeof(first->thread));
		bpf_ringbuf_submit(first, 0);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
