// SPDX-License-Identifier: BSD-2-Clause
/* One map of each kind with its own behaviour of single operations, and settable global variables of each kind. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct pair {
	__u32 a;
	__u32 b;
};

/* Five bytes: a size that the kernel and C do not round to. */
struct odd {
	__u8 bytes[5];
};

#define MAP(map_name, map_type, key_t, value_t, entries)                                                               \
	struct {                                                                                                       \
		__uint(type, map_type);                                                                                \
		__uint(max_entries, entries);                                                                          \
		__type(key, key_t);                                                                                    \
		__type(value, value_t);                                                                                \
	} map_name SEC(".maps")

#define KEYLESS(map_name, map_type, value_t, entries)                                                                  \
	struct {                                                                                                       \
		__uint(type, map_type);                                                                                \
		__uint(max_entries, entries);                                                                          \
		__type(value, value_t);                                                                                \
	} map_name SEC(".maps")

MAP(hash, BPF_MAP_TYPE_HASH, __u32, struct pair, 64);
MAP(lru_hash, BPF_MAP_TYPE_LRU_HASH, __u32, __u64, 64);
MAP(array, BPF_MAP_TYPE_ARRAY, __u32, __u64, 8);
MAP(percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, __u32, struct odd, 64);
MAP(percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 8);
KEYLESS(queue, BPF_MAP_TYPE_QUEUE, __u32, 4);
KEYLESS(stack, BPF_MAP_TYPE_STACK, __u32, 4);
KEYLESS(bloom, BPF_MAP_TYPE_BLOOM_FILTER, __u32, 64);
MAP(used, BPF_MAP_TYPE_ARRAY, __u32, __u64, 1);
MAP(not_created, BPF_MAP_TYPE_HASH, __u32, __u64, 8);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} pinned SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} outer SEC(".maps");

enum color { red, green = 5, blue };

const volatile __u32 ro_u32 = 7;
const volatile __s8 ro_s8 = -1;
const volatile __u64 ro_u64 = 1;
const volatile bool ro_bool = false;
const volatile enum color ro_color = green;
const volatile char ro_name[8] = "abc";
const volatile struct pair ro_pair = { 1, 2 };
__u32 data_u32 = 42;
__u64 bss_u64;
__u16 custom_u16 SEC(".data.custom") = 3;
double data_double = 0.5;
__u32 growing[2] SEC(".data.growing") = { 1, 2 };

/* Reads all variables, so that none is optimised away. Run by hand, never attached. */
SEC("socket")
int read_globals(void *ctx)
{
	__u32 zero = 0;

	bpf_map_lookup_elem(&used, &zero);
	return ro_u32 + ro_s8 + ro_u64 + ro_bool + ro_color + ro_name[0] + ro_pair.a + data_u32 + bss_u64 + custom_u16 +
	       growing[0];
}

SEC("?socket")
int not_loaded(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
