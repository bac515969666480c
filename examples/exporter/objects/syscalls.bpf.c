//go:build ignore

/* Counts and times system calls, by cgroup and call. What exports it is ../exporter.yml. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "buckets.h"

#define SLOTS 28

/*
 * No call has this number or a larger one. Anybody can make such calls: they are counted as one, or they would fill
 * the map.
 */
#define CALLS 1024

/* Calls of this cgroup and those below it only; 0 for all. */
const volatile __u64 only_cgroup;

struct call_key {
	__u64 cgroup;
	__u32 call;
	__u32 zero; /* keys are compared with all their bytes */
};

struct calls {
	__u64 count;
	__u64 errors;
	__u64 units; /* of time, in all */
	__u64 slots[SLOTS];
	__u64 last_units; /* an example */
	__u32 last_pid;
	char last_comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct call_key);
	__type(value, struct calls);
} by_call SEC(".maps");

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

/* Calls that are not in the map because it was full. */
__u64 lost;

static bool wanted(void)
{
	if (!only_cgroup)
		return true;
	for (int level = 0; level < 16; level++) {
		__u64 ancestor = bpf_get_current_ancestor_cgroup_id(level);

		if (!ancestor)
			return false;
		if (ancestor == only_cgroup)
			return true;
	}
	return false;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(enter, struct pt_regs *regs, long call)
{
	struct entered *entered;

	if (!wanted())
		return 0;
	entered = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (entered) {
		entered->call = call < 0 || call > CALLS ? CALLS : call;
		entered->ns = bpf_ktime_get_ns();
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(leave, struct pt_regs *regs, long result)
{
	static const struct calls none;
	struct entered *entered = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, 0);
	struct call_key key = {};
	struct calls *calls;
	__u64 units;

	if (!entered || !entered->ns)
		return 0;
	units = units_of_ns(bpf_ktime_get_ns() - entered->ns);
	entered->ns = 0;
	key.cgroup = bpf_get_current_cgroup_id();
	key.call = entered->call;
	calls = bpf_map_lookup_elem(&by_call, &key);
	if (!calls) {
		bpf_map_update_elem(&by_call, &key, &none, BPF_NOEXIST);
		calls = bpf_map_lookup_elem(&by_call, &key);
		if (!calls) {
			__sync_fetch_and_add(&lost, 1);
			return 0;
		}
	}
	calls->count++;
	calls->units += units;
	if (result < 0 && result >= -4095)
		calls->errors++;
	calls->slots[bucket_of(units, SLOTS)]++;
	calls->last_units = units;
	calls->last_pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(calls->last_comm, sizeof(calls->last_comm));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
