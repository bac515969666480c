//go:build ignore

/* Counts the stacks that a clock meets. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define DEPTH 127

/* Only this process and its descendants; 0 for all. */
const volatile int root;
/* The profiler, which is left out. */
const volatile int self;

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, DEPTH * sizeof(__u64));
} stacks SEC(".maps");

struct stack_sample {
	int pid;
	int user; /* the ids of stacks, or errnos below 0 */
	int kernel;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct stack_sample);
	__type(value, __u64);
} counts SEC(".maps");

/* Samples that found no room. */
__u64 lost;

static bool in_tree(struct task_struct *task)
{
	int tgid;

	if (!root)
		return true;
	for (int i = 0; i < 16; i++) {
		tgid = BPF_CORE_READ(task, tgid);
		if (tgid == root)
			return true;
		if (tgid <= 1)
			break;
		task = BPF_CORE_READ(task, real_parent);
	}
	return false;
}

SEC("perf_event")
int on_tick(struct bpf_perf_event_data *ctx)
{
	struct stack_sample sample = { .pid = bpf_get_current_pid_tgid() >> 32 };
	__u64 one = 1, *count;

	/* 0 is the idle task. */
	if (!sample.pid || sample.pid == self || !in_tree((struct task_struct *)bpf_get_current_task()))
		return 0;
	bpf_get_current_comm(sample.comm, sizeof(sample.comm));
	sample.user = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	sample.kernel = bpf_get_stackid(ctx, &stacks, 0);
	count = bpf_map_lookup_elem(&counts, &sample);
	if (count)
		__sync_fetch_and_add(count, 1);
	else if (bpf_map_update_elem(&counts, &sample, &one, BPF_NOEXIST))
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
