#ifndef LIBBPF_GO_BENCH_H
#define LIBBPF_GO_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_map;
struct bpf_object;
struct btf;
struct ring_buffer;
struct perf_buffer;

/*
 * The loops of C programs over libbpf. They return how many elements, entries or records they have seen, or a negative
 * error.
 */

/* The map of an object file as libbpf has it, but with the kernel map that fd is. It lasts as long as the process. */
struct bpf_map *bench_map(const char *object, const char *name, int fd);

/* Looks up n keys, by bpf_map__lookup_elem and by bpf_map_lookup_elem. Absent keys are not counted. */
long bench_map_lookup(const struct bpf_map *map, const uint64_t *keys, size_t n);
long bench_fd_lookup(int fd, const uint64_t *keys, size_t n);

/* Sets the n keys to themselves. */
long bench_map_update(const struct bpf_map *map, const uint64_t *keys, size_t n);
long bench_fd_update(int fd, const uint64_t *keys, size_t n);

/* Adds up what is mapped, each value read from memory. */
uint64_t bench_sum(const volatile uint64_t *values, size_t n);

/* Reads all entries in batches and adds up their values. */
long bench_entries(int fd, uint64_t *keys, uint64_t *values, uint32_t batch, uint64_t *sum);

/* Opens an object with its default options, and closes it. */
int bench_open_file(const char *path);
int bench_open_mem(const void *object, size_t size);

/* Opens an object, loads it and closes it: with all its programs, or one of them. */
int bench_load(const void *object, size_t size, const char *program);

/*
 * Attaches the programs of an object to n functions of a binary, by offset or by name, and detaches them: with a link for
 * each, and with one link.
 */
struct bpf_object *bench_probes(const void *object, size_t size);
long bench_attach(struct bpf_object *probes, const char *path, const uint64_t *offsets, const char **names, size_t n);
long bench_attach_multi(struct bpf_object *probes, const char *path, const char **names, size_t n);

/* Reads the types of the kernel, and forgets them. */
int bench_read_types(void);

struct btf *bench_types(void);

/* Finds structs by their names. */
long bench_find_types(const struct btf *types, const char *const *names, size_t n);

/* Writes all types as C, to nowhere. */
int bench_dump_types(const struct btf *types);

struct ring_buffer *bench_ring(int fd);
long bench_ring_consume(struct ring_buffer *ring);

/*
 * A loop around ring_buffer__poll, until n records came. Of each record whose number is a multiple of every, the time that
 * it took to arrive goes to latencies: the time of arrival less the time with which the record begins.
 */
struct ring_buffer *bench_live_ring(int fd);
long bench_ring_poll(struct ring_buffer *ring, long n, long every, uint64_t *latencies);

struct perf_buffer *bench_perf(int fd, size_t pages);
long bench_perf_consume(struct perf_buffer *perf);

#endif
