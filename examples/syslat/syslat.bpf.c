//go:build ignore

/* Times the system calls of a process and its descendants. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SLOTS 40

/* The process at the root of the tree; 0 for all processes. */
const volatile int root;
/* The tracer, which is left out. */
const volatile int self;

struct latency {
	__u64 calls;
	__u64 errors;
	__u64 total_ns;
	__u64 slots[SLOTS]; /* slot i: calls of 2^i ns and more */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct latency);
} latencies SEC(".maps");

/* The call that a thread is in. The kernel frees it with the thread. */
struct entered {
	__u64 ns;
	__u32 call;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct entered);
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
	struct entered *entered;

	if (!in_tree(task))
		return 0;
	entered = bpf_task_storage_get(&threads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (entered) {
		entered->call = call;
		entered->ns = bpf_ktime_get_ns();
	}
	return 0;
}

static __u32 log2(__u64 n)
{
	__u32 log = 0;

	for (int shift = 32; shift; shift /= 2) {
		if (n >> shift) {
			n >>= shift;
			log += shift;
		}
	}
	return log;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(leave, struct pt_regs *regs, long result)
{
	static const struct latency none;
	struct entered *entered = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, 0);
	struct latency *latency;
	__u32 call, slot;
	__u64 ns;

	if (!entered || !entered->ns)
		return 0;
	ns = bpf_ktime_get_ns() - entered->ns;
	entered->ns = 0;
	call = entered->call;
	latency = bpf_map_lookup_elem(&latencies, &call);
	if (!latency) {
		bpf_map_update_elem(&latencies, &call, &none, BPF_NOEXIST);
		latency = bpf_map_lookup_elem(&latencies, &call);
		if (!latency)
			return 0;
	}
	__sync_fetch_and_add(&latency->calls, 1);
	__sync_fetch_and_add(&latency->total_ns, ns);
	if (result < 0 && result >= -4095)
		__sync_fetch_and_add(&latency->errors, 1);
	slot = log2(ns);
	if (slot < SLOTS)
		__sync_fetch_and_add(&latency->slots[slot], 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
