#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "c_elements_cgo.h"

long bench_lookup_all(int fd, const void *keys, size_t key_size, void *value, size_t n)
{
	long found = 0;

	for (size_t i = 0; i < n; i++) {
		int err = bpf_map_lookup_elem(fd, (const char *)keys + i * key_size, value);

		if (!err)
			found++;
		else if (err != -ENOENT)
			return err;
	}
	return found;
}

long bench_update_all(int fd, const void *keys, size_t key_size, const void *value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = bpf_map_update_elem(fd, (const char *)keys + i * key_size, value, BPF_ANY);

		if (err)
			return err;
	}
	return (long)n;
}

long bench_delete_all(int fd, const void *keys, size_t key_size, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = bpf_map_delete_elem(fd, (const char *)keys + i * key_size);

		if (err)
			return err;
	}
	return (long)n;
}

long bench_push_all(int fd, const void *value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = bpf_map_update_elem(fd, NULL, value, BPF_ANY);

		if (err)
			return err;
	}
	return (long)n;
}

long bench_pop_all(int fd, void *value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = bpf_map_lookup_and_delete_elem(fd, NULL, value);

		if (err)
			return err;
	}
	return (long)n;
}

long bench_update_batch(int fd, const uint64_t *keys, size_t n)
{
	uint32_t done = n;
	int err = bpf_map_update_batch(fd, keys, keys, &done, NULL);

	return err ? err : (long)done;
}

long bench_delete_batch(int fd, const uint64_t *keys, size_t n)
{
	uint32_t done = n;
	int err = bpf_map_delete_batch(fd, keys, &done, NULL);

	return err ? err : (long)done;
}

long bench_inner_all(int fd, const void *keys, size_t key_size, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t id;
		int inner, err = bpf_map_lookup_elem(fd, (const char *)keys + i * key_size, &id);

		if (err)
			return err;
		inner = bpf_map_get_fd_by_id(id);
		if (inner < 0)
			return inner;
		close(inner);
	}
	return (long)n;
}

long bench_percpu_lookup(int fd, const uint32_t *keys, size_t n, void *values, size_t cpus, size_t value_size,
			 uint64_t *sum)
{
	*sum = 0;
	for (size_t i = 0; i < n; i++) {
		int err = bpf_map_lookup_elem(fd, &keys[i], values);

		if (err)
			return err;
		for (size_t cpu = 0; cpu < cpus; cpu++) {
			uint64_t value = 0;

			memcpy(&value, (const char *)values + 8 * cpu, value_size);
			*sum += value;
		}
	}
	return (long)n;
}

long bench_percpu_update(int fd, const uint32_t *keys, size_t n, void *values, size_t cpus, size_t value_size,
			 const void *from)
{
	for (size_t i = 0; i < n; i++) {
		int err;

		for (size_t cpu = 0; cpu < cpus; cpu++)
			memcpy((char *)values + 8 * cpu, (const char *)from + value_size * cpu, value_size);
		err = bpf_map_update_elem(fd, &keys[i], values, BPF_ANY);
		if (err)
			return err;
	}
	return (long)n;
}
