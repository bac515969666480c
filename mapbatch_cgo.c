#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "mapbatch_cgo.h"

static int read_batches(int fd, bool take, bool started, unsigned char *token, unsigned char *keys, uint32_t key_size,
			unsigned char *values, uint32_t value_size, uint32_t *count, uint64_t flags)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = flags);
	uint32_t want = *count, have = 0;
	int err = 0;

	/* The kernel returns fewer than it was asked for when the next bucket does not fit: that is not the end. */
	while (!err && have < want) {
		void *in = started ? token : NULL;
		unsigned char *k = keys + (size_t)have * key_size, *v = values + (size_t)have * value_size;
		__u32 n = want - have;

		if (take)
			err = bpf_map_lookup_and_delete_batch(fd, in, token, k, v, &n, &opts);
		else
			err = bpf_map_lookup_batch(fd, in, token, k, v, &n, &opts);
		/* Only these leave a count behind; after others it is what it was. */
		if (err && err != -ENOENT && err != -EINTR)
			break;
		have += n;
		started = started || n;
		if (err == -EINTR && n)
			err = 0; /* elements vanished under it */
		if (!n)
			break;
	}
	*count = have;
	return have && err == -ENOSPC ? 0 : err;
}

static int read_elements(int fd, bool take, bool started, unsigned char *token, unsigned char *keys, uint32_t key_size,
			 unsigned char *values, uint32_t value_size, uint32_t max_entries, uint32_t *count,
			 uint64_t flags)
{
	uint32_t want = *count, have = 0;
	uint64_t empty = 0;
	int err = 0;

	while (have < want) {
		unsigned char *k = keys + (size_t)have * key_size, *v = values + (size_t)have * value_size;

		/* What was taken is gone: the next one is always the first. */
		err = bpf_map_get_next_key(fd, started && !take ? token : NULL, k);
		if (err)
			break;
		err = bpf_map_lookup_elem_flags(fd, k, v, flags);
		if (!err && take)
			err = bpf_map_delete_elem(fd, k);
		if (err && err != -ENOENT)
			break;
		memcpy(token, k, key_size);
		started = true;
		if (!err)
			have++;
		/* Indices that hold nothing, and keys that were deleted meanwhile, which starts the walk over. */
		else if (++empty > 2 * (uint64_t)max_entries)
			break;
		err = 0;
	}
	*count = have;
	return err == -ENOENT && empty > 2 * (uint64_t)max_entries ? -EAGAIN : err;
}

int lbg_map_read(int fd, enum lbg_batch_mode mode, bool take, bool started, unsigned char *token, unsigned char *keys,
		 uint32_t key_size, unsigned char *values, uint32_t value_size, uint32_t max_entries, uint32_t *count,
		 uint64_t flags)
{
	if (mode == LBG_BATCH)
		return read_batches(fd, take, started, token, keys, key_size, values, value_size, count, flags);
	return read_elements(fd, take, started, token, keys, key_size, values, value_size, max_entries, count, flags);
}

int lbg_map_keys(int fd, bool started, unsigned char *last, unsigned char *keys, uint32_t key_size, uint32_t *count)
{
	uint32_t want = *count;

	for (*count = 0; *count < want; ++*count) {
		unsigned char *k = keys + (size_t)*count * key_size;
		int err = bpf_map_get_next_key(fd, started ? last : NULL, k);

		if (err)
			return err;
		memcpy(last, k, key_size);
		started = true;
	}
	return 0;
}

int lbg_map_write(int fd, enum lbg_batch_mode mode, const unsigned char *keys, uint32_t key_size,
		  const unsigned char *values, uint32_t value_size, uint32_t *count, uint64_t flags)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = flags);
	uint32_t want = *count;

	if (mode == LBG_BATCH) {
		int err = values ? bpf_map_update_batch(fd, keys, values, count, &opts) :
				   bpf_map_delete_batch(fd, keys, count, &opts);

		/* Where it refuses the batch as a whole, the kernel leaves the count as it was. */
		if (err && *count == want)
			*count = 0;
		return err;
	}
	for (*count = 0; *count < want; ++*count) {
		const unsigned char *k = keys + (size_t)*count * key_size;
		int err = values ? bpf_map_update_elem(fd, k, values + (size_t)*count * value_size, flags) :
				   bpf_map_delete_elem(fd, k);

		if (err)
			return err;
	}
	return 0;
}
