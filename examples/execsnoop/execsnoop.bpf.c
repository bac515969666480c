//go:build ignore

/* Reports the programs that processes execute, and the ends of processes. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define ARGS 512

/* Only the descendants of this process; 0 for all. */
const volatile int root;

/* Events that found no room. */
__u64 lost;

enum kind { KIND_EXEC, KIND_EXIT };

struct event {
	enum kind kind;
	int pid;
	int parent;
	__u32 uid;
	char comm[16];
	int exit_code; /* as wait has it */
	__u32 size;    /* of all arguments */
	__u64 lifetime_ns;
	__u8 args[ARGS]; /* each ends with a zero */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct event);
} events SEC(".maps");

static bool in_tree(struct task_struct *task)
{
	if (!root)
		return true;
	for (int i = 0; i < 16; i++) {
		task = BPF_CORE_READ(task, real_parent);
		if (BPF_CORE_READ(task, tgid) == root)
			return true;
	}
	return false;
}

/* Inline: older kernels want a record to be reserved and submitted by the same function. */
static __always_inline struct event *reserve(enum kind kind, struct task_struct *task)
{
	struct event *event;

	if (!in_tree(task))
		return NULL;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return NULL;
	}
	event->kind = kind;
	event->pid = task->tgid;
	event->parent = BPF_CORE_READ(task, real_parent, tgid);
	event->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->exit_code = task->exit_code;
	event->size = 0;
	event->lifetime_ns = bpf_ktime_get_boot_ns() - BPF_CORE_READ(task, group_leader, start_boottime);
	return event;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	struct event *event = reserve(KIND_EXEC, task);
	unsigned long start, size;

	if (!event)
		return 0;
	start = BPF_CORE_READ(task, mm, arg_start);
	size = BPF_CORE_READ(task, mm, arg_end) - start;
	event->size = size;
	barrier_var(size); /* the verifier shall see the comparison */
	if (size > ARGS)
		size = ARGS;
	if (bpf_probe_read_user(event->args, size, (void *)start))
		event->size = 0;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct event *event;

	/* Only the last thread ends the process. */
	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	event = reserve(KIND_EXIT, task);
	if (event)
		bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
