// SPDX-License-Identifier: BSD-2-Clause
/*
 * Counts numbers in each way that programs keep histograms: getpgid(MAGIC + n) by the chosen process counts n.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define MAGIC 0x40000000
#define SLOTS 16

const volatile __u32 target_tgid = 0;
const volatile __u32 getpgid_nr = 0;

/* The keys are the slots. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} number_hist SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} cpu_slots SEC(".maps");

/* The values have the slots. */
struct hist {
	__u32 slots[SLOTS];
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct hist);
} by_parity SEC(".maps");

/* A member of the key is the slot, the others tell histograms apart. */
struct label {
	__u32 odd;
	__u32 slot;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct label);
	__type(value, __u64);
} labelled SEC(".maps");

/* Not recognized without being asked for. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} tens SEC(".maps");

static struct hist empty;

static __always_inline void count_one(void *map, void *key)
{
	__u64 one = 1, *count = bpf_map_lookup_elem(map, key);

	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(map, key, &one, BPF_NOEXIST);
}

static __always_inline __u32 slot_of(__u32 n)
{
	__u32 slot = 0;

	for (int i = 1; i < SLOTS; i++)
		if (n >> i)
			slot = i;
	return slot;
}

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	unsigned long arg;
	__u32 n, slot, odd;
	struct label label;
	struct hist *hist;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid || ctx->args[1] != getpgid_nr)
		return 0;
	arg = PT_REGS_PARM1_CORE_SYSCALL(regs);
	if (arg < MAGIC || arg >= 2UL * MAGIC)
		return 0;
	n = arg - MAGIC;
	slot = slot_of(n);
	count_one(&number_hist, &slot);
	count_one(&cpu_slots, &slot);
	label.odd = odd = n & 1;
	label.slot = slot;
	count_one(&labelled, &label);
	hist = bpf_map_lookup_elem(&by_parity, &odd);
	if (!hist) {
		bpf_map_update_elem(&by_parity, &odd, &empty, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&by_parity, &odd);
	}
	if (hist && slot < SLOTS) {
		__sync_fetch_and_add(&hist->slots[slot], 1);
		bpf_get_current_comm(hist->comm, sizeof(hist->comm));
	}
	slot = n / 10;
	if (slot < SLOTS)
		count_one(&tens, &slot);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
