#define _GNU_SOURCE
#include "../../../libbpf/vendor.h"
#ifndef LIBBPF_GO_SYSTEM
#include "cuser_cgo.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static int cuser_ring_sample(void *ctx, void *data, size_t size)
{
	(void)ctx, (void)data, (void)size;
	return 0;
}

int cuser_ring(const struct cuser_given *g)
{
	struct ring_buffer *ring = ring_buffer__new(g->map_fd, cuser_ring_sample, NULL, NULL);
	int polled, consumed;

	if (!ring)
		return -errno;
	syscall(SYS_getpgid, g->ask);
	polled = ring_buffer__poll(ring, 0);
	consumed = ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return polled < 0 ? polled : consumed < 0 ? consumed : 0;
}

static void cuser_perf_sample(void *ctx, int cpu, void *data, __u32 size)
{
	(void)ctx, (void)cpu, (void)data, (void)size;
}

int cuser_perf(const struct cuser_given *g)
{
	struct perf_buffer *perf = perf_buffer__new(g->map_fd, 1, cuser_perf_sample, NULL, NULL, NULL);
	int polled, consumed;

	if (!perf)
		return -errno;
	syscall(SYS_getpgid, g->ask);
	polled = perf_buffer__poll(perf, 0);
	consumed = perf_buffer__consume(perf);
	perf_buffer__free(perf);
	return polled < 0 ? polled : consumed < 0 ? consumed : 0;
}

int cuser_user_ring(const struct cuser_given *g)
{
	struct user_ring_buffer *ring = user_ring_buffer__new(g->map_fd, NULL);
	void *sample;
	int err = 0;

	if (!ring)
		return -errno;
	sample = user_ring_buffer__reserve(ring, 8);
	if (sample)
		user_ring_buffer__discard(ring, sample);
	else
		err = -errno;
	user_ring_buffer__free(ring);
	return err;
}
#endif
