//go:build ignore

/* Times the calls of a Go function. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SLOTS 40

/* In Go's calling convention, a register has the goroutine. */
#if defined(__TARGET_ARCH_x86)
#define GOROUTINE(ctx) ((ctx)->r14)
#elif defined(__TARGET_ARCH_arm64)
#define GOROUTINE(ctx) (((struct user_pt_regs *)(ctx))->regs[28])
#elif defined(__TARGET_ARCH_s390)
#define GOROUTINE(ctx) (((user_pt_regs *)(ctx))->gprs[13])
#else
#error "which register has the goroutine?"
#endif

__u64 calls;
__u64 total_ns;
__u64 slots[SLOTS]; /* slot i: calls of 2^i ns and more */

struct call {
	__u64 goroutine;
	__u64 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct call);
	__type(value, __u64);
} began SEC(".maps");

/* A function begins again after its stack has grown: the last beginning counts. */
SEC("uprobe")
int enter(struct pt_regs *ctx)
{
	struct call call = { GOROUTINE(ctx), bpf_get_current_pid_tgid() >> 32 };
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&began, &call, &now, BPF_ANY);
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

SEC("uprobe")
int leave(struct pt_regs *ctx)
{
	struct call call = { GOROUTINE(ctx), bpf_get_current_pid_tgid() >> 32 };
	__u64 *start = bpf_map_lookup_elem(&began, &call), ns;
	__u32 slot;

	if (!start)
		return 0;
	ns = bpf_ktime_get_ns() - *start;
	bpf_map_delete_elem(&began, &call);
	__sync_fetch_and_add(&calls, 1);
	__sync_fetch_and_add(&total_ns, ns);
	slot = log2(ns);
	if (slot < SLOTS)
		__sync_fetch_and_add(&slots[slot], 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
