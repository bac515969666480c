// SPDX-License-Identifier: BSD-2-Clause
/*
 * Drains a user ring buffer when it runs (BPF_PROG_TEST_RUN), and keeps what it saw. Samples begin with a number
 * and their length.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define MOST 4096 /* samples */

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} user_ring SEC(".maps");

/* An 8-byte sample only has its number. */
struct user_sample {
	__u64 number;
	__u64 length;
};

struct drained {
	__u64 samples;
	__u64 wrong; /* samples whose end is not where it should be */
	__u64 numbers[MOST];
} drained = {};

static long on_sample(struct bpf_dynptr *dynptr, void *ctx)
{
	struct user_sample sample = {};
	__u64 n = drained.samples++, last = 0;

	if (!bpf_dynptr_read(&sample, sizeof(sample), dynptr, 0, 0)) {
		/* The last eight bytes of a sample repeat the number, and nothing follows them. */
		if (bpf_dynptr_read(&last, sizeof(last), dynptr, sample.length - sizeof(last), 0) ||
		    last != sample.number || !bpf_dynptr_read(&last, sizeof(last), dynptr, sample.length - 7, 0))
			drained.wrong++;
	} else if (bpf_dynptr_read(&sample, sizeof(sample.number), dynptr, 0, 0)) {
		sample.number = ~0ULL; /* an empty sample */
	}
	if (n < MOST)
		drained.numbers[n] = sample.number;
	return 0;
}

SEC("syscall")
int drain(void *ctx)
{
	return bpf_user_ringbuf_drain(&user_ring, on_sample, NULL, 0);
}

char LICENSE[] SEC("license") = "GPL";
