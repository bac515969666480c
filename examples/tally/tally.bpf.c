//go:build ignore

/* Counts lines that user space sends through a ring buffer. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/* Lines that found no room among the counts. */
__u64 lost;

struct line {
	char text[128];
};

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct line);
} lines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct line);
	__type(value, __u64);
} counts SEC(".maps");

static long on_line(struct bpf_dynptr *sample, void *context)
{
	__u64 one = 1, *count;
	struct line line;

	if (bpf_dynptr_read(&line, sizeof(line), sample, 0, 0))
		return 0;
	count = bpf_map_lookup_elem(&counts, &line);
	if (count)
		__sync_fetch_and_add(count, 1);
	else if (bpf_map_update_elem(&counts, &line, &one, BPF_NOEXIST))
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

/* Runs when user space asks for it. */
SEC("syscall")
int drain(void *context)
{
	return bpf_user_ringbuf_drain(&lines, on_line, NULL, 0);
}

char LICENSE[] SEC("license") = "GPL";
