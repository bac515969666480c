#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "c_buffers_cgo.h"

#define SAMPLE_SIZE 64

struct user_ring_buffer *bench_user_ring(int fd)
{
	return user_ring_buffer__new(fd, NULL);
}

long bench_user_ring_send(struct user_ring_buffer *ring, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t *sample = user_ring_buffer__reserve(ring, SAMPLE_SIZE);

		if (!sample)
			return -errno;
		*sample = i;
		user_ring_buffer__submit(ring, sample);
	}
	return (long)n;
}

static long records;

static int count_record(void *ctx, void *data, size_t size)
{
	(void)ctx, (void)data, (void)size;
	records++;
	return 0;
}

struct ring_buffer *bench_rings(const int *fds, size_t n)
{
	struct ring_buffer *rings = ring_buffer__new(fds[0], count_record, NULL, NULL);

	for (size_t i = 1; rings && i < n; i++) {
		if (ring_buffer__add(rings, fds[i], count_record, NULL)) {
			ring_buffer__free(rings);
			return NULL;
		}
	}
	return rings;
}

long bench_rings_poll(struct ring_buffer *rings, long most)
{
	records = 0;
	while (records < most) {
		int ret = ring_buffer__poll(rings, 100);

		if (ret <= 0)
			return ret ? ret : -ETIMEDOUT;
	}
	return records;
}

void bench_rings_free(struct ring_buffer *rings)
{
	ring_buffer__free(rings);
}

static int count_for_all(void *ctx, void *data, size_t size)
{
	(void)data, (void)size;
	__atomic_fetch_add((uint64_t *)ctx, 1, __ATOMIC_RELAXED);
	return 0;
}

static void *wait_for_records(void *ring)
{
	while (ring_buffer__poll(ring, -1) >= 0 || errno == EINTR)
		;
	return NULL;
}

int bench_waiters(const int *fds, size_t n, uint64_t *seen)
{
	for (size_t i = 0; i < n; i++) {
		struct ring_buffer *ring = ring_buffer__new(fds[i], count_for_all, seen, NULL);
		pthread_t thread;
		int err;

		if (!ring)
			return -errno;
		err = pthread_create(&thread, NULL, wait_for_records, ring);
		if (err)
			return -err;
	}
	return 0;
}

void bench_store(volatile uint64_t *counter, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*counter = i;
}

uint64_t bench_load_sum(const volatile uint64_t *counter, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += *counter;
	return sum;
}
