// SPDX-License-Identifier: BSD-2-Clause
/*
 * Maps and globals of the shapes that bpfgo shows and sets, filled by getpgid(FIRST + n) of the chosen process. The
 * maps hold what they hold after any number of these calls.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define FIRST 0x40000000

enum mood { CALM = 0, BUSY = 7 };

struct point {
	short x, y;
};

struct labelled {
	char label[8];
	enum mood mood;
	struct point at;
};

const volatile unsigned int target_tgid = 0;
const volatile unsigned int getpgid_nr = 0;
const volatile unsigned char debug = 1;
volatile _Bool loud = 0;
volatile enum mood mood = CALM;
volatile char title[8] = "none";
volatile int numbers[4] = { 1, 2, 3, 4 };
volatile struct {
	struct point at;
	long limit;
} config = { { 1, 2 }, 3 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, int);
	__type(value, struct labelled);
} labels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, unsigned int);
	__type(value, struct labelled);
} per_cpu_labels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, unsigned int);
	__type(value, unsigned long);
} per_cpu_calls SEC(".maps");

/* No types, only sizes: hexadecimal. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 3);
} untyped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 2);
	__type(value, int);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, int);
	__type(value, int);
} bpfgo_test_pinned SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} ring SEC(".maps");

static void fill(int key, const char *text, enum mood feels, short x)
{
	struct labelled value = { .mood = feels, .at = { x, -x } };
	int i;

	for (i = 0; i < sizeof(value.label) && text[i]; i++)
		value.label[i] = text[i];
	bpf_map_update_elem(&labels, &key, &value, BPF_ANY);
}

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	unsigned int zero = 0, one = 1;
	struct labelled value = { .label = "cpu", .mood = BUSY };
	/* One byte less than the struct, and more than it. */
	char records[sizeof(value) + 4] = "abc";
	char bytes[3] = { 1, 2, 3 };
	unsigned long *calls;

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid || ctx->args[1] != getpgid_nr)
		return 0;
	fill(-3, "minus", CALM, 1);
	fill(20, "twenty", BUSY, 300);
	fill(3, "a b\"\n", 5, -7);
	bpf_map_update_elem(&per_cpu_labels, &one, &value, BPF_ANY);
	bpf_map_update_elem(&untyped, &one, bytes, BPF_ANY);
	calls = bpf_map_lookup_elem(&per_cpu_calls, &zero);
	if (calls)
		*calls += 1;
	bpf_ringbuf_output(&ring, &value, sizeof(value), 0);
	bpf_ringbuf_output(&ring, records, sizeof(value) - 1, 0);
	bpf_ringbuf_output(&ring, records, sizeof(value) + 4, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
