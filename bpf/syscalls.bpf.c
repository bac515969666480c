// SPDX-License-Identifier: BSD-2-Clause
/*
 * Counts and times the system calls of one process and of the processes that it starts, and reports slow ones. It
 * needs Linux 5.11.
 *
 *	bpfgo run bpf/syscalls.bpf.o --dump stats --event events=slow_call -- CMD
 */
#include "vmlinux.h"
#include "syscall_nr.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* The process to trace. 0 is none: by default the object traces no process. */
const volatile __u32 target_tgid = 0;

/* Trace every process of the machine instead. */
const volatile bool all_processes = false;

/* Also trace the processes that a traced process starts. */
const volatile bool follow_children = true;

/* System calls that take longer are reported one by one. */
const volatile __u64 slow_ns = 1000000;

/* Slow calls that were not reported because the ring buffer was full. */
__u64 lost_events = 0;

struct syscall_stats {
	__u64 count;
	__u64 errors;
	__u64 total_ns;
	/* The sum of the CPUs' maxima has no meaning: the tag tells bpfgo to take the largest. */
	__u64 max_ns __attribute__((btf_decl_tag("bpfgo:max")));
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, enum syscall_nr);
	__type(value, struct syscall_stats);
} stats SEC(".maps");

struct slow_call {
	__u32 tgid;
	__u32 tid;
	char comm[16];
	enum syscall_nr syscall;
	__s64 ret;
	__u64 duration_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} events SEC(".maps");

/* Puts the type into the BTF: the compiler leaves out what only local variables use. */
const struct slow_call *slow_call_type __attribute__((unused));

/* A traced thread, and the system call that it is in. */
struct thread {
	__u64 enter_ns; /* 0 outside of system calls */
	__u32 nr;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long nr)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *thread = bpf_task_storage_get(&threads, task, 0, 0);

	if (!thread && (all_processes || (target_tgid && (__u32)task->tgid == target_tgid)))
		thread = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!thread)
		return 0;
	thread->nr = nr;
	thread->enter_ns = bpf_ktime_get_ns();
	return 0;
}

static void report(struct task_struct *task, __u32 nr, long ret, __u64 duration_ns)
{
	struct slow_call *call = bpf_ringbuf_reserve(&events, sizeof(*call), 0);

	if (!call) {
		__sync_fetch_and_add(&lost_events, 1);
		return;
	}
	call->tgid = task->tgid;
	call->tid = task->pid;
	bpf_get_current_comm(call->comm, sizeof(call->comm));
	call->syscall = nr;
	call->ret = ret;
	call->duration_ns = duration_ns;
	bpf_ringbuf_submit(call, 0);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *thread = bpf_task_storage_get(&threads, task, 0, 0);
	static const struct syscall_stats none;
	struct syscall_stats *s;
	__u64 duration_ns;
	__u32 nr;

	/* A call that began before it was traced, or the return of a new process into its first instruction. */
	if (!thread || !thread->enter_ns)
		return 0;
	duration_ns = bpf_ktime_get_ns() - thread->enter_ns;
	nr = thread->nr;
	thread->enter_ns = 0;

	s = bpf_map_lookup_elem(&stats, &nr);
	if (!s) {
		bpf_map_update_elem(&stats, &nr, &none, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&stats, &nr);
	}
	if (s) {
		s->count++;
		s->errors += ret < 0 && ret >= -4095;
		s->total_ns += duration_ns;
		if (duration_ns > s->max_ns)
			s->max_ns = duration_ns;
	}
	if (duration_ns > slow_ns)
		report(task, nr, ret, duration_ns);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	if (follow_children && bpf_task_storage_get(&threads, parent, 0, 0))
		bpf_task_storage_get(&threads, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
