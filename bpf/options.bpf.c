// SPDX-License-Identifier: BSD-2-Clause
/* For the options of opening: a map definition with an unknown attribute, and a Kconfig extern. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(no_such_attribute, 1);
} relaxed SEC(".maps");

extern int CONFIG_LIBBPF_GO __kconfig __weak;

__u64 seen_config = 0;
__u64 seen_offset = 0;

SEC("raw_tp/sys_enter")
int never_attached(void *ctx)
{
	seen_config = CONFIG_LIBBPF_GO;
	seen_offset = bpf_core_field_offset(struct task_struct, tgid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
