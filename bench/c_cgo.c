#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "c_cgo.h"

struct bpf_map *bench_map(const char *object, const char *name, int fd)
{
	struct bpf_object *o = bpf_object__open_file(object, NULL);
	struct bpf_map *map = o ? bpf_object__find_map_by_name(o, name) : NULL;

	return map && !bpf_map__reuse_fd(map, fd) ? map : NULL;
}

long bench_map_lookup(const struct bpf_map *map, const uint64_t *keys, size_t n)
{
	long found = 0;
	uint64_t value;

	for (size_t i = 0; i < n; i++) {
		int err = bpf_map__lookup_elem(map, &keys[i], sizeof(keys[i]), &value, sizeof(value), 0);

		if (!err)
			found++;
		else if (err != -ENOENT)
			return err;
	}
	return found;
}

long bench_fd_lookup(int fd, const uint64_t *keys, size_t n)
{
	long found = 0;
	uint64_t value;

	for (size_t i = 0; i < n; i++) {
		int err = bpf_map_lookup_elem(fd, &keys[i], &value);

		if (!err)
			found++;
		else if (err != -ENOENT)
			return err;
	}
	return found;
}

long bench_map_update(const struct bpf_map *map, const uint64_t *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = bpf_map__update_elem(map, &keys[i], sizeof(keys[i]), &keys[i], sizeof(keys[i]), BPF_ANY);

		if (err)
			return err;
	}
	return (long)n;
}

long bench_fd_update(int fd, const uint64_t *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = bpf_map_update_elem(fd, &keys[i], &keys[i], BPF_ANY);

		if (err)
			return err;
	}
	return (long)n;
}

uint64_t bench_sum(const volatile uint64_t *values, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	return sum;
}

long bench_entries(int fd, uint64_t *keys, uint64_t *values, uint32_t batch, uint64_t *sum)
{
	uint64_t token;
	long seen = 0;
	int err = 0;

	*sum = 0;
	while (!err) {
		uint32_t n = batch;

		err = bpf_map_lookup_batch(fd, seen ? &token : NULL, &token, keys, values, &n, NULL);
		if (err && err != -ENOENT)
			return err;
		for (uint32_t i = 0; i < n; i++)
			*sum += values[i];
		seen += n;
	}
	return seen;
}

int bench_open_file(const char *path)
{
	struct bpf_object *o = bpf_object__open_file(path, NULL);

	if (!o)
		return -errno;
	bpf_object__close(o);
	return 0;
}

int bench_open_mem(const void *object, size_t size)
{
	struct bpf_object *o = bpf_object__open_mem(object, size, NULL);

	if (!o)
		return -errno;
	bpf_object__close(o);
	return 0;
}

int bench_load(const void *object, size_t size, const char *program)
{
	struct bpf_object *o = bpf_object__open_mem(object, size, NULL);
	struct bpf_program *p;
	int err;

	if (!o)
		return -errno;
	if (program) {
		bpf_object__for_each_program(p, o)
			bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), program));
	}
	err = bpf_object__load(o);
	bpf_object__close(o);
	return err;
}

struct bpf_object *bench_probes(const void *object, size_t size)
{
	struct bpf_object *o = bpf_object__open_mem(object, size, NULL);

	return o && !bpf_object__load(o) ? o : NULL;
}

long bench_attach(struct bpf_object *probes, const char *path, const uint64_t *offsets, const char **names, size_t n)
{
	struct bpf_program *program = bpf_object__find_program_by_name(probes, "single");
	struct bpf_link **links = calloc(n, sizeof(*links));
	long err = 0;

	for (size_t i = 0; links && !err && i < n; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = names ? names[i] : NULL);

		links[i] = bpf_program__attach_uprobe_opts(program, 0, path, names ? 0 : offsets[i], &opts);
		if (!links[i])
			err = -errno;
	}
	for (size_t i = 0; links && i < n; i++)
		bpf_link__destroy(links[i]);
	free(links);
	return err ? err : (long)n;
}

long bench_attach_multi(struct bpf_object *probes, const char *path, const char **names, size_t n)
{
	struct bpf_program *program = bpf_object__find_program_by_name(probes, "multi");
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts, .syms = names, .cnt = n);
	struct bpf_link *link = bpf_program__attach_uprobe_multi(program, 0, path, NULL, &opts);

	if (!link)
		return -errno;
	bpf_link__destroy(link);
	return (long)n;
}

int bench_read_types(void)
{
	struct btf *types = bench_types();

	if (!types)
		return -errno;
	btf__free(types);
	return 0;
}

struct btf *bench_types(void)
{
	return btf__load_vmlinux_btf();
}

long bench_find_types(const struct btf *types, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int id = btf__find_by_name_kind(types, names[i], BTF_KIND_STRUCT);

		if (id < 0)
			return id;
	}
	return (long)n;
}

static void ignore_text(void *ctx, const char *format, va_list args)
{
	char text[4096];

	(void)ctx;
	vsnprintf(text, sizeof(text), format, args);
}

int bench_dump_types(const struct btf *types)
{
	struct btf_dump *dump = btf_dump__new(types, ignore_text, NULL, NULL);
	int err = dump ? 0 : -errno;

	for (__u32 id = 1; !err && id < btf__type_cnt(types); id++)
		err = btf_dump__dump_type(dump, id);
	btf_dump__free(dump);
	return err;
}

static long records;

static int on_ring_record(void *ctx, void *data, size_t size)
{
	(void)ctx, (void)data, (void)size;
	records++;
	return 0;
}

struct ring_buffer *bench_ring(int fd)
{
	return ring_buffer__new(fd, on_ring_record, NULL, NULL);
}

long bench_ring_consume(struct ring_buffer *ring)
{
	int ret;

	records = 0;
	ret = ring_buffer__consume(ring);
	return ret < 0 ? ret : records;
}

static long most, each;
static uint64_t *latencies;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Stops the drain behind the record that is the last one wanted. */
static int on_live_record(void *ctx, void *data, size_t size)
{
	(void)ctx, (void)size;
	if (records % each == 0)
		*latencies++ = now() - *(uint64_t *)data;
	return ++records == most ? -ECANCELED : 0;
}

struct ring_buffer *bench_live_ring(int fd)
{
	return ring_buffer__new(fd, on_live_record, NULL, NULL);
}

long bench_ring_poll(struct ring_buffer *ring, long n, long every, uint64_t *into)
{
	records = 0;
	most = n;
	each = every;
	latencies = into;
	while (records < most) {
		int ret = ring_buffer__poll(ring, -1);

		if (ret < 0 && ret != -ECANCELED && ret != -EINTR)
			return ret;
	}
	return records;
}

static void on_perf_record(void *ctx, int cpu, void *data, uint32_t size)
{
	(void)ctx, (void)cpu, (void)data, (void)size;
	records++;
}

struct perf_buffer *bench_perf(int fd, size_t pages)
{
	return perf_buffer__new(fd, pages, on_perf_record, NULL, NULL, NULL);
}

long bench_perf_consume(struct perf_buffer *perf)
{
	int ret;

	records = 0;
	ret = perf_buffer__consume(perf);
	return ret < 0 ? ret : records;
}
