// SPDX-License-Identifier: BSD-2-Clause
/* Iterators over the elements of a map, over tasks, and over maps. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} entries SEC(".maps");

__u64 elements = 0;
__u64 elements_2 = 0;

static int dump(struct bpf_iter__bpf_map_elem *ctx, __u64 *count)
{
	__u32 *key = ctx->key;
	__u64 *value = ctx->value;
	struct {
		__u64 key, value;
	} line = {};

	if (!key || !value)
		return 0;
	__sync_fetch_and_add(count, 1);
	line.key = *key;
	line.value = *value;
	bpf_seq_write(ctx->meta->seq, &line, sizeof(line));
	return 0;
}

SEC("iter/bpf_map_elem")
int dump_map(struct bpf_iter__bpf_map_elem *ctx)
{
	return dump(ctx, &elements);
}

SEC("iter/bpf_map_elem")
int dump_map_2(struct bpf_iter__bpf_map_elem *ctx)
{
	return dump(ctx, &elements_2);
}

SEC("iter/task")
int dump_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u32 line[2];

	if (!task)
		return 0;
	line[0] = task->tgid;
	line[1] = task->pid;
	bpf_seq_write(ctx->meta->seq, line, sizeof(line));
	return 0;
}

/* Writes more for one element than the kernel's buffer holds. */
SEC("iter/bpf_map")
int flood(struct bpf_iter__bpf_map *ctx)
{
	static const char text[256] = "x";
	int i;

	for (i = 0; i < 512; i++)
		bpf_seq_write(ctx->meta->seq, text, sizeof(text));
	return 0;
}
