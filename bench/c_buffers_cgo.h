#ifndef LIBBPF_GO_BENCH_BUFFERS_H
#define LIBBPF_GO_BENCH_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

struct user_ring_buffer;
struct ring_buffer;

struct user_ring_buffer *bench_user_ring(int fd);

/* Reserves and submits n samples of 64 bytes, each with its number at first. */
long bench_user_ring_send(struct user_ring_buffer *ring, size_t n);

/* One ring_buffer of n rings. Polling it counts the records that are there. */
struct ring_buffer *bench_rings(const int *fds, size_t n);
long bench_rings_poll(struct ring_buffer *rings, long most);
void bench_rings_free(struct ring_buffer *rings);

/*
 * Starts n threads, each with a ring_buffer of its own, which wait for records to the end of the process. The number of all
 * records that came is at *seen.
 */
int bench_waiters(const int *fds, size_t n, uint64_t *seen);

/* Stores the numbers below n into *counter, one after the other. */
void bench_store(volatile uint64_t *counter, size_t n);

/* Adds *counter up, which is read n times. */
uint64_t bench_load_sum(const volatile uint64_t *counter, size_t n);

#endif
