#ifndef LIBBPF_GO_BENCH_ELEMENTS_H
#define LIBBPF_GO_BENCH_ELEMENTS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Loops over n single elements of a map of any type. The keys are one behind the other, key_size bytes each. All return
 * how many elements they have seen, or a negative error. Absent keys are not counted.
 */

long bench_lookup_all(int fd, const void *keys, size_t key_size, void *value, size_t n);

/* Sets all to the same value. */
long bench_update_all(int fd, const void *keys, size_t key_size, const void *value, size_t n);

long bench_delete_all(int fd, const void *keys, size_t key_size, size_t n);

/* Pushes n values, and pops them again. */
long bench_push_all(int fd, const void *value, size_t n);
long bench_pop_all(int fd, void *value, size_t n);

/* Sets n keys of 8 bytes to themselves, or deletes them, in one call. */
long bench_update_batch(int fd, const uint64_t *keys, size_t n);
long bench_delete_batch(int fd, const uint64_t *keys, size_t n);

/* Opens the inner map of each key, and closes it again. */
long bench_inner_all(int fd, const void *keys, size_t key_size, size_t n);

/*
 * Looks up the values of all CPUs, copies them out and adds them up. They are slots of 8 bytes in values, of which
 * value_size count: 4 or 8.
 */
long bench_percpu_lookup(int fd, const uint32_t *keys, size_t n, void *values, size_t cpus, size_t value_size,
			 uint64_t *sum);

/* Sets the values of all CPUs to what is in from, each into a slot. */
long bench_percpu_update(int fd, const uint32_t *keys, size_t n, void *values, size_t cpus, size_t value_size,
			 const void *from);

#endif
