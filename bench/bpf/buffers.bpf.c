// SPDX-License-Identifier: BSD-2-Clause
/*
 * Buffers of several sizes and numbers. Each program is run by hand (BPF_PROG_TEST_RUN), with a struct as context that
 * says what to do.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define RINGS 1000
#define LARGEST 65536

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 256 << 10);
} user_ring SEC(".maps");

__u64 drained;

static long on_sample(struct bpf_dynptr *dynptr, void *ctx)
{
	drained++;
	return 0;
}

/* Takes all samples. */
SEC("syscall")
int drain(void *ctx)
{
	return bpf_user_ringbuf_drain(&user_ring, on_sample, NULL, BPF_RB_NO_WAKEUP) < 0;
}

/* User space puts the rings in. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, RINGS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} rings SEC(".maps");

struct fill_rings {
	__u32 rings;   /* how many, from the first one on */
	__u32 records; /* in each */
};

char bytes[LARGEST];

static long fill_one(__u32 index, const struct fill_rings *fill)
{
	void *ring = bpf_map_lookup_elem(&rings, &index);

	if (!ring)
		return 1;
	for (__u32 i = 0; i < fill->records && i < 1024; i++)
		if (bpf_ringbuf_output(ring, bytes, 64, 0))
			return 1;
	return 0;
}

/* Writes records of 64 bytes, and wakes those who wait. */
SEC("syscall")
int fill(struct fill_rings *ctx)
{
	struct fill_rings fill = *ctx;

	bpf_loop(fill.rings, fill_one, &fill, 0);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} large SEC(".maps");

struct large_records {
	__u32 size; /* of a record */
	__u32 records;
};

static long add_large(__u32 number, const __u32 *size)
{
	__u32 n = *size;

	if (n > LARGEST)
		return 1;
	return bpf_ringbuf_output(&large, bytes, n, BPF_RB_NO_WAKEUP) != 0;
}

/* Writes records of a size, and wakes nobody. */
SEC("syscall")
int fill_large(struct large_records *ctx)
{
	__u32 size = ctx->size;

	bpf_loop(ctx->records, add_large, &size, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
