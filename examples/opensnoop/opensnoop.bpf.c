//go:build ignore

/* Reports the files that processes open. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Only this process and its descendants; 0 for all. */
const volatile int root;
/* The tracer, which is left out. */
const volatile int self;
/* Only what fails. */
const volatile bool failures;

/* The numbers of the system calls; -1 if there is none. */
const volatile int nr_open = -1;
const volatile int nr_openat = -1;
const volatile int nr_openat2 = -1;

/* Events that found no room. */
__u64 lost;

struct event {
	int pid;
	char comm[16];
	int result; /* a descriptor, or minus the errno */
	__u32 flags;
	char path[256];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct event);
} events SEC(".maps");

/* What a thread opens. The path is read after the call: before, its page may not be in memory. */
struct opening {
	const char *path;
	__u64 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct opening);
} threads SEC(".maps");

static bool in_tree(struct task_struct *task)
{
	if (task->tgid == self)
		return false;
	if (!root)
		return true;
	for (int i = 0; i < 16 && task->tgid > 1; i++) {
		if (task->tgid == root)
			return true;
		task = task->real_parent;
	}
	return false;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(enter, struct pt_regs *regs, long call)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct opening *opening;
	const char *path;
	__u64 flags;

	if (call == nr_openat) {
		path = (const char *)PT_REGS_PARM2_CORE_SYSCALL(regs);
		flags = PT_REGS_PARM3_CORE_SYSCALL(regs);
	} else if (call == nr_openat2) {
		path = (const char *)PT_REGS_PARM2_CORE_SYSCALL(regs);
		if (bpf_probe_read_user(&flags, sizeof(flags), (void *)PT_REGS_PARM3_CORE_SYSCALL(regs)))
			flags = 0;
	} else if (call == nr_open) {
		path = (const char *)PT_REGS_PARM1_CORE_SYSCALL(regs);
		flags = PT_REGS_PARM2_CORE_SYSCALL(regs);
	} else {
		return 0;
	}
	if (!in_tree(task))
		return 0;
	opening = bpf_task_storage_get(&threads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (opening) {
		opening->path = path;
		opening->flags = flags;
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(leave, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct opening *opening = bpf_task_storage_get(&threads, task, NULL, 0);
	const char *path;
	struct event *event;

	if (!opening || !opening->path)
		return 0;
	path = opening->path;
	opening->path = NULL;
	if (failures && result >= 0)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	event->pid = task->tgid;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->result = result;
	event->flags = opening->flags;
	if (bpf_probe_read_user_str(event->path, sizeof(event->path), path) < 0)
		event->path[0] = 0;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
