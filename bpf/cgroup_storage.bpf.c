// SPDX-License-Identifier: BSD-2-Clause
/* Storage that the kernel makes for each cgroup that the program is attached to. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} percpu_storage SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *common = bpf_get_local_storage(&storage, 0);
	__u64 *own = bpf_get_local_storage(&percpu_storage, 0);

	__sync_fetch_and_add(common, 1);
	*own += 1;
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
