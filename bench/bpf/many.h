/* SPDX-License-Identifier: BSD-2-Clause */
/* Any number of programs that share a map, and read fields of the kernel's types. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline int count(__u32 key)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 *value;

	key += BPF_CORE_READ(task, tgid) & 1;
	value = bpf_map_lookup_elem(&counts, &key);
	if (value)
		__sync_fetch_and_add(value, BPF_CORE_READ(task, real_parent, start_time));
	return 0;
}

#define ONE(n)                                                                                                         \
	SEC("raw_tp/sys_enter") int count_##n(void *ctx)                                                               \
	{                                                                                                              \
		return count(0x##n);                                                                                   \
	}
#define TEN(n) ONE(n##0) ONE(n##1) ONE(n##2) ONE(n##3) ONE(n##4) ONE(n##5) ONE(n##6) ONE(n##7) ONE(n##8) ONE(n##9)
#define HUNDRED(n) TEN(n##0) TEN(n##1) TEN(n##2) TEN(n##3) TEN(n##4) TEN(n##5) TEN(n##6) TEN(n##7) TEN(n##8) TEN(n##9)

char LICENSE[] SEC("license") = "GPL";
