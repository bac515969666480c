//go:build ignore

/* Reports executed programs, also on kernels that have no types (BTF). */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Only descendants of this process; 0 for all. */
const volatile int root;

struct execution {
	int pid;
	int parent;
	char comm[16];
	char parent_comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
	__type(value, struct execution);
} executions SEC(".maps");

/* A raw tracepoint needs no types of the kernel's, unlike tp_btf. Its first argument is a struct task_struct. */
SEC("raw_tp/sched_process_exec")
int on_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0], *ancestor = task;
	struct execution *execution;
	bool wanted = !root;

	for (int i = 0; i < 16 && !wanted; i++) {
		ancestor = BPF_CORE_READ(ancestor, real_parent);
		wanted = BPF_CORE_READ(ancestor, tgid) == root;
	}
	if (!wanted)
		return 0;
	execution = bpf_ringbuf_reserve(&executions, sizeof(*execution), 0);
	if (!execution)
		return 0;
	execution->pid = BPF_CORE_READ(task, tgid);
	execution->parent = BPF_CORE_READ(task, real_parent, tgid);
	BPF_CORE_READ_STR_INTO(&execution->comm, task, comm);
	BPF_CORE_READ_STR_INTO(&execution->parent_comm, task, real_parent, comm);
	bpf_ringbuf_submit(execution, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
