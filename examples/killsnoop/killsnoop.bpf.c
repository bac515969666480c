//go:build ignore

/* Reports signals: who sends which one to whom. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TRACE_SIGNAL_IGNORED 1

/* Only signals to this process; 0 for all. */
const volatile int target;

/* Events that found no room. */
__u64 lost;

struct sent_signal {
	int number;
	int sender;
	int receiver;
	bool ignored;
	char sender_comm[16];
	char receiver_comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
	__type(value, struct sent_signal);
} signals SEC(".maps");

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int number, struct kernel_siginfo *info, struct task_struct *task, int group, int result)
{
	struct sent_signal *s;

	if (target && task->tgid != target)
		return 0;
	s = bpf_ringbuf_reserve(&signals, sizeof(*s), 0);
	if (!s) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	s->number = number;
	s->sender = bpf_get_current_pid_tgid() >> 32;
	s->receiver = task->tgid;
	s->ignored = result == TRACE_SIGNAL_IGNORED;
	bpf_get_current_comm(s->sender_comm, sizeof(s->sender_comm));
	__builtin_memcpy(s->receiver_comm, task->comm, sizeof(s->receiver_comm));
	bpf_ringbuf_submit(s, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
