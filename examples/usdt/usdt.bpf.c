//go:build ignore

/* Reports each time that a process reaches a USDT probe, with the probe's arguments. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

#define MAX_ARGS 12

/* The argument that points to text; -1 if none does. */
const volatile int text_arg = -1;

/* Events that found no room. */
__u64 lost;

struct hit {
	int pid;
	int tid;
	char comm[16];
	__u32 count; /* of arguments */
	__s64 args[MAX_ARGS];
	char text[128];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct hit);
} hits SEC(".maps");

SEC("usdt")
int on_probe(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	int count = bpf_usdt_arg_cnt(ctx);
	struct hit *hit = bpf_ringbuf_reserve(&hits, sizeof(*hit), 0);
	long arg;

	if (!hit) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	hit->pid = id >> 32;
	hit->tid = id;
	bpf_get_current_comm(hit->comm, sizeof(hit->comm));
	hit->count = count < 0 ? 0 : count;
	hit->text[0] = 0;
	for (int i = 0; i < MAX_ARGS; i++) {
		arg = 0;
		if (i < count)
			bpf_usdt_arg(ctx, i, &arg);
		hit->args[i] = arg;
		if (i == text_arg)
			bpf_probe_read_user_str(hit->text, sizeof(hit->text), (void *)arg);
	}
	bpf_ringbuf_submit(hit, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
