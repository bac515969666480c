#include "../../../libbpf/vendor.h"
#ifndef LIBBPF_GO_SYSTEM
#include "cuser_cgo.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int cuser_close_map(int fd, int err)
{
	return cuser_first(err, close(fd) ? -errno : 0);
}

/* walk counts the elements of a hash map, and reads their values. */
static int cuser_walk(int fd, void *value, int *n)
{
	__u32 key, next;
	int err;

	for (err = bpf_map_get_next_key(fd, NULL, &next); !err; err = bpf_map_get_next_key(fd, &key, &next)) {
		err = bpf_map_lookup_elem(fd, &next, value);
		if (err)
			return err;
		key = next;
		++*n;
	}
	return err == -ENOENT ? 0 : err;
}

static int cuser_use_hash(int fd)
{
	__u32 key, keys[16], cursor, count;
	__u64 value, values[16];
	int n = 0, err;

	for (key = 0; key < 8; key++) {
		value = key;
		err = bpf_map_update_elem(fd, &key, &value, BPF_ANY);
		if (err)
			return err;
	}
	key = 1;
	err = bpf_map_lookup_elem(fd, &key, &value);
	if (!err)
		err = bpf_map_delete_elem(fd, &key);
	if (!err)
		err = cuser_walk(fd, &value, &n);
	if (err || n != 7)
		return cuser_first(err, -ENODATA);
	count = 16;
	err = bpf_map_lookup_batch(fd, NULL, &cursor, keys, values, &count, NULL);
	if (err != -ENOENT || count != 7)
		return cuser_first(err, -ENODATA);
	keys[0] = 20, keys[1] = 21;
	count = 2;
	err = bpf_map_update_batch(fd, keys, values, &count, NULL);
	if (!err)
		err = bpf_map_delete_batch(fd, keys, &count, NULL);
	return err;
}

int cuser_hash(const struct cuser_given *g)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "faulty", 4, 8, 16, NULL);

	(void)g;
	return fd < 0 ? fd : cuser_close_map(fd, cuser_use_hash(fd));
}

int cuser_queue(const struct cuser_given *g)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_QUEUE, "faulty", 0, 8, 16, NULL), err;
	__u64 value = 1;

	(void)g;
	if (fd < 0)
		return fd;
	err = bpf_map_update_elem(fd, NULL, &value, BPF_ANY);
	if (!err)
		err = bpf_map_lookup_elem(fd, NULL, &value);
	if (!err)
		err = bpf_map_lookup_and_delete_elem(fd, NULL, &value);
	return cuser_close_map(fd, err);
}

int cuser_per_cpu(const struct cuser_given *g)
{
	int cpus = libbpf_num_possible_cpus(), fd, err, n = 0;
	__u64 *values;
	__u32 key = 1;

	(void)g;
	if (cpus < 0)
		return cpus;
	values = calloc(cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_HASH, "faulty", 4, 8, 16, NULL);
	if (fd < 0) {
		free(values);
		return fd;
	}
	err = bpf_map_update_elem(fd, &key, values, BPF_ANY);
	if (!err)
		err = bpf_map_lookup_elem(fd, &key, values);
	if (!err)
		err = cuser_walk(fd, values, &n);
	free(values);
	return cuser_close_map(fd, err);
}

int cuser_memory(const struct cuser_given *g)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "faulty", 4, 8, 16, &opts);
	size_t size = sysconf(_SC_PAGESIZE);
	void *memory;
	int err = 0;

	(void)g;
	if (fd < 0)
		return fd;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED || munmap(memory, size))
		err = -errno;
	return cuser_close_map(fd, err);
}
#endif
