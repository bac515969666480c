//go:build ignore

/* Measures how long threads wait for something, or for a CPU. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SLOTS 40

/* Only this process and its descendants; 0 for all. */
const volatile int root;

/* When each thread left its CPU. Threads that ended make room for others. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, int);
	__type(value, __u64);
} left SEC(".maps");

struct process {
	int pid;
	char comm[16];
};

struct waits {
	__u64 count;
	__u64 total_ns;
	__u64 slots[SLOTS]; /* slot i: waits of 2^i ns and more */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct process);
	__type(value, struct waits);
} waits SEC(".maps");

static bool in_tree(struct task_struct *task)
{
	if (!root)
		return true;
	for (int i = 0; i < 16 && task->tgid > 1; i++) {
		if (task->tgid == root)
			return true;
		task = task->real_parent;
	}
	return false;
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

static void account(struct task_struct *task, __u64 ns)
{
	static const struct waits none;
	struct process process = { .pid = task->tgid };
	__u32 slot = log2(ns);
	struct waits *w;

	/* The process's name is that of its first thread. */
	BPF_CORE_READ_STR_INTO(&process.comm, task, group_leader, comm);
	w = bpf_map_lookup_elem(&waits, &process);
	if (!w) {
		bpf_map_update_elem(&waits, &process, &none, BPF_NOEXIST);
		w = bpf_map_lookup_elem(&waits, &process);
		if (!w)
			return;
	}
	__sync_fetch_and_add(&w->count, 1);
	__sync_fetch_and_add(&w->total_ns, ns);
	if (slot < SLOTS)
		__sync_fetch_and_add(&w->slots[slot], 1);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	__u64 now = bpf_ktime_get_ns(), *since;
	int pid = prev->pid;

	/* The idle tasks of all CPUs have the number 0. */
	if (pid && in_tree(prev))
		bpf_map_update_elem(&left, &pid, &now, BPF_ANY);
	pid = next->pid;
	since = bpf_map_lookup_elem(&left, &pid);
	if (since) {
		account(next, now - *since);
		bpf_map_delete_elem(&left, &pid);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
