// SPDX-License-Identifier: BSD-2-Clause
/* Programs for test runs. Each stores its input where a test can check it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__u64 runs = 0;
__u32 last_cpu = 0;

#define GROWTH 4

/* Puts four bytes before the packet. */
SEC("xdp")
int grow_packet(struct xdp_md *ctx)
{
	__u8 *data, *end;

	__sync_fetch_and_add(&runs, 1);
	if (bpf_xdp_adjust_head(ctx, -GROWTH))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + GROWTH > end)
		return XDP_ABORTED;
	data[0] = 'g';
	data[1] = 'r';
	data[2] = 'o';
	data[3] = 'w';
	return XDP_TX;
}

SEC("xdp")
int count_packet(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&runs, 1);
	return XDP_DROP;
}

SEC("tc")
int change_mark(struct __sk_buff *skb)
{
	skb->mark += 1;
	skb->cb[0] = skb->len;
	return 1234;
}

SEC("raw_tp/sys_enter")
int add_arguments(struct bpf_raw_tracepoint_args *ctx)
{
	last_cpu = bpf_get_smp_processor_id();
	return ctx->args[0] + ctx->args[1];
}

struct sum {
	__u64 a, b, sum;
};

SEC("?syscall")
int add_fields(struct sum *ctx)
{
	ctx->sum = ctx->a + ctx->b;
	return 42;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} bystander SEC(".maps");

char LICENSE[] SEC("license") = "GPL";
