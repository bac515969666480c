// SPDX-License-Identifier: BSD-2-Clause
/* Maps whose content bpfgo shows and changes. The program only uses them, and is never attached. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum verdict { PASS, DROP = 5 };

struct flow {
	unsigned int src;
	unsigned short port;
	unsigned char proto;
};

struct stats {
	unsigned long long count, bytes;
	enum verdict last;
	unsigned char tag[4];
};

#define MAP(map_name, map_type, key_t, value_t, entries)                                                               \
	struct {                                                                                                       \
		__uint(type, map_type);                                                                                \
		__uint(max_entries, entries);                                                                          \
		__type(key, key_t);                                                                                    \
		__type(value, value_t);                                                                                \
	} map_name SEC(".maps")

MAP(counts, BPF_MAP_TYPE_HASH, unsigned int, unsigned long long, 8);
MAP(flows, BPF_MAP_TYPE_HASH, struct flow, struct stats, 8);
MAP(names, BPF_MAP_TYPE_HASH, char[8], char[8], 8);
MAP(per_cpu, BPF_MAP_TYPE_PERCPU_ARRAY, unsigned int, struct stats, 2);
MAP(numbers, BPF_MAP_TYPE_PERCPU_HASH, unsigned int, unsigned long long, 2);
MAP(table, BPF_MAP_TYPE_ARRAY, unsigned int, unsigned int, 3);

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, 8);
	__type(value, unsigned int);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 2);
	__type(value, struct flow);
} jobs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} tail_calls SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, unsigned int);
	__type(value, unsigned long long);
} first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, unsigned int);
	__array(values, struct inner);
} outer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} ring SEC(".maps");

volatile int counter = 3;
volatile struct {
	enum verdict verdict;
	char name[8];
	int limits[3];
} config = { DROP, "none" };
const volatile int limit = 5;

SEC("socket")
int use(struct __sk_buff *skb)
{
	struct {
		unsigned int length, address;
	} prefix = { 32, 0 };
	struct flow flow = {};
	int zero = 0;

	bpf_map_lookup_elem(&routes, &prefix);
	bpf_map_lookup_elem(&outer, &zero);
	bpf_map_pop_elem(&jobs, &flow);
	return counter + limit + config.verdict;
}

char LICENSE[] SEC("license") = "GPL";
