//go:build ignore

/* Reports the host names that programs look up with the C library, and how long that takes. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Events that found no room. */
__u64 lost;

struct lookup {
	__u64 began_ns;
	const char *name;
};

/* By thread. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct lookup);
} lookups SEC(".maps");

struct event {
	int pid;
	int result; /* EAI_... */
	__u64 took_ns;
	char comm[16];
	char name[128];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
	__type(value, struct event);
} events SEC(".maps");

SEC("uprobe")
int BPF_UPROBE(enter, const char *name)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct lookup lookup = { .began_ns = bpf_ktime_get_ns(), .name = name };

	bpf_map_update_elem(&lookups, &thread, &lookup, BPF_ANY);
	return 0;
}

SEC("uretprobe")
int BPF_URETPROBE(leave, int result)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct lookup *lookup = bpf_map_lookup_elem(&lookups, &thread);
	struct event *event;

	if (!lookup)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		event->pid = thread >> 32;
		event->result = result;
		event->took_ns = bpf_ktime_get_ns() - lookup->began_ns;
		bpf_get_current_comm(event->comm, sizeof(event->comm));
		if (bpf_probe_read_user_str(event->name, sizeof(event->name), lookup->name) < 0)
			event->name[0] = 0;
		bpf_ringbuf_submit(event, 0);
	} else {
		__sync_fetch_and_add(&lost, 1);
	}
	bpf_map_delete_elem(&lookups, &thread);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
