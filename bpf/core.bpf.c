// SPDX-License-Identifier: BSD-2-Clause
/* Each kind of CO-RE relocation. The program writes down what they became, and reads nothing of the kernel's. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* Flavours: libbpf looks for the name up to the three underscores. */
struct task_struct___partly {
	int pid;
	int no_such_member;
} __attribute__((preserve_access_index));

struct no_such_struct___x {
	int member;
} __attribute__((preserve_access_index));

enum no_such_enum { NO_SUCH_ENUMERATOR };

struct list_head___all {
	struct list_head *next, *prev;
};

__u64 pid_offset, comm_size, comm_last_offset, pid_signed, task_size, pid_exists;
__u64 missing_member, missing_type, missing_enumerator, task_exists, list_matches, sock_raw, local_id;
__u64 nested_offset, pointer_offset, bitfield_left, bitfield_right, bitfield_exists, poisoned;

SEC("socket")
int relocated(void *ctx)
{
	struct task_struct *task = 0;
	struct sk_buff *skb = 0;
	struct task_struct___partly *partly = 0;
	struct no_such_struct___x *none = 0;

	pid_offset = bpf_core_field_offset(task->pid);
	comm_size = bpf_core_field_size(task->comm);
	comm_last_offset = bpf_core_field_offset(task->comm[15]);
	pid_signed = __builtin_preserve_field_info(task->pid, BPF_FIELD_SIGNED);
	task_size = bpf_core_type_size(struct task_struct);
	pid_exists = bpf_core_field_exists(partly->pid);
	missing_member = bpf_core_field_exists(partly->no_such_member);
	missing_type = bpf_core_type_exists(struct no_such_struct___x);
	missing_enumerator = bpf_core_enum_value_exists(enum no_such_enum, NO_SUCH_ENUMERATOR);
	task_exists = bpf_core_type_exists(struct task_struct);
#if __clang_major__ >= 15
	list_matches = bpf_core_type_matches(struct list_head___all);
#endif
	sock_raw = bpf_core_enum_value(enum sock_type, SOCK_RAW);
	local_id = bpf_core_type_id_local(struct task_struct);
	nested_offset = bpf_core_field_offset(task->thread_info.flags);
	pointer_offset = bpf_core_field_offset(task->real_parent);
	bitfield_left = __builtin_preserve_field_info(skb->pkt_type, BPF_FIELD_LSHIFT_U64);
	bitfield_right = __builtin_preserve_field_info(skb->pkt_type, BPF_FIELD_RSHIFT_U64);
	bitfield_exists = bpf_core_field_exists(skb->pkt_type);
	if (bpf_core_type_exists(struct no_such_struct___x))
		poisoned = bpf_core_field_offset(none->member);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
