//go:build ignore

/* What a skeleton has, in all its forms. */
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define TAG(text) __attribute__((btf_decl_tag(text)))

/* Macros whose Go names are taken. */
#define SHAPES 1
#define LIMIT_A 2
#define LimitA 3

enum color { COLOR_RED, COLOR_GREEN = 5, COLOR_NONE = -1 };

struct key {
	__u16 port;
	__u8 address[4];
};

struct value {
	__u64 hits;
	enum color color;
	bool seen;
	char name[16];
};

struct event {
	__u32 pid;
	char comm[16];
	union {
		__u64 number;
		__u8 bytes[8];
	};
	__u32 kind : 3;
	__u32 rest : 29;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, struct value);
} by_key SEC(".maps") TAG("Values by address and port.");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, int);
	__type(value, struct value);
} per_cpu SEC(".maps");

struct prefix {
	__u32 prefixlen;
	__u8 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__type(value, struct key);
} waiting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} raw_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, int);
	__type(value, int);
} perf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(key_size, 12);
	__uint(value_size, 20);
} sizes_only SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 8 * 16);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4);
	__uint(map_flags, BPF_F_STACK_BUILD_ID);
	__uint(key_size, 4);
	__uint(value_size, 32 * 16);
} build_ids SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct value);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &first } };

int tail(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} calls SEC(".maps") = { .values = { [0] = (void *)&tail } };

/* Names that Go has for other things, or that become the same name. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} type SEC(".maps"), foo_bar SEC(".maps"), fooBar SEC(".maps");

const volatile __u32 pid TAG("The process to look at.") = 1;
volatile const struct key wanted = { .port = 80 };
__u64 hits;
bool enabled = true;
static volatile __u32 hidden;
__attribute__((visibility("hidden"))) __u32 inside;
__weak __u32 weak = 7;
struct value last SEC(".data.last") = { .color = COLOR_GREEN };
int func;
int other SEC("elsewhere");

extern int CONFIG_HZ __kconfig;
extern bool CONFIG_NOT_THERE __kconfig __weak;

static __noinline int add(__u32 key)
{
	static volatile __u8 hits; /* the name of a global variable, in the same section */
	__u64 *total = bpf_map_lookup_elem(&totals, &key);

	if (total)
		__sync_fetch_and_add(total, 1);
	hidden++;
	hits++;
	return inside + weak;
}

SEC("raw_tp/sys_enter")
int count(void *ctx)
{
	struct event *event;

	if (bpf_get_current_pid_tgid() >> 32 != pid || !enabled)
		return 0;
	__sync_fetch_and_add(&hits, 1);
	add(2);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 0;
	event->pid = pid;
	event->number = CONFIG_HZ;
	event->kind = 5;
	event->rest = wanted.port;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
	last.hits++;
	return func + CONFIG_NOT_THERE;
}

SEC("raw_tp/sys_exit")
int both(void *ctx)
{
	struct key key = { .port = 80 };

	bpf_map_lookup_elem(&by_key, &key);
	bpf_tail_call(ctx, &calls, 0);
	return 0;
}

SEC("raw_tp/sys_exit")
int tail(void *ctx) { return add(1); }

SEC("socket")
int type_(void *ctx) { return 0; }

char LICENSE[] SEC("license") = "GPL";
