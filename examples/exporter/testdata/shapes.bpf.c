//go:build ignore

/* Maps of every shape that becomes a metric. Tests write most of them; the program counts calls of getpgid. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "syscall_nr.h"

enum shape_mode { SHAPE_IDLE, SHAPE_BUSY };

struct shape_key {
	__u32 number;
	char name[12];
	enum shape_mode mode;
	__u32 bucket;
};

struct shape_value {
	__u64 count;
	__u64 sum;
	__s32 level;
	__u32 small;
	double ratio;
	__u64 slots[5];
	__u64 with_sum[4];
	__u64 example;
	__u8 trace_id[16];
	struct {
		__u64 deep;
	} inner;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct shape_key);
	__type(value, struct shape_value);
} plain SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct shape_key);
	__type(value, struct shape_value);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} lru SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__uint(key_size, 4);
	__uint(value_size, 8);
} sizes_only SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct tally {
#ifdef OTHER_LAYOUT
	__u64 other;
#endif
	__u64 count;
};

/* What the program counts. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tally);
} counted SEC(".maps");

/* What tests count in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct tally);
} changing SEC(".maps");

const volatile int pid; /* whose calls are counted */
const volatile int unused = 1;
__u64 total;

SEC("raw_tp/sys_enter")
int count(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 zero = 0;
	struct tally *tally;

	if (ctx->args[1] != SYS_getpgid || bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	__sync_fetch_and_add(&total, 1);
	tally = bpf_map_lookup_elem(&counted, &zero);
	if (tally)
		tally->count++;
	return 0;
}

/* For replacing a program at a cgroup. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&packets, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
	return 1;
}

/* For replacing a program at an interface. */
SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
