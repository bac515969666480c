// SPDX-License-Identifier: BSD-2-Clause
//go:build ignore

/* Takes the samples of a user ring buffer when it runs (BPF_PROG_TEST_RUN), and adds up their numbers. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct user_sample {
	__u64 number;
	__u64 again; /* the same */
};

/* So small that it overflows. */
struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 1 << 16);
	__type(value, struct user_sample);
} samples SEC(".maps");

struct taken {
	__u64 samples;
	__u64 sum;
	__u64 wrong;
} taken = {};

static long on_sample(struct bpf_dynptr *dynptr, void *ctx)
{
	struct user_sample sample = {};

	if (bpf_dynptr_read(&sample, sizeof(sample), dynptr, 0, 0) || sample.number != sample.again)
		taken.wrong++;
	taken.samples++;
	taken.sum += sample.number;
	return 0;
}

SEC("syscall")
int take(void *ctx)
{
	return bpf_user_ringbuf_drain(&samples, on_sample, NULL, 0);
}

char LICENSE[] SEC("license") = "GPL";
