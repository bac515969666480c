#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "mapbatch_cgo.h"

/*
 * Whether the kernel refused a batch as a whole, because it has none for the map, or none with such flags. It then
 * leaves the count as it was; where one of the elements is what it refuses, it leaves the number of those before that.
 */
static bool refused(int err, uint32_t want, uint32_t count)
{
	const int enotsupp = 524; /* not in errno.h */

	return count == want && (err == -EINVAL || err == -EOPNOTSUPP || err == -enotsupp);
}

static int read_elements(int fd, bool take, bool started, unsigned char *token, unsigned char *keys, uint32_t key_size,
			 unsigned char *values, uint32_t value_size, uint64_t max_keys, uint32_t *count, uint64_t flags)
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
		else if (++empty > max_keys)
			break;
		err = 0;
	}
	*count = have;
	return err == -ENOENT && empty > max_keys ? -EAGAIN : err;
}

static int read_batches(int fd, enum lbg_batch_mode *mode, bool take, bool started, unsigned char *token,
			unsigned char *keys, uint32_t key_size, unsigned char *values, uint32_t value_size,
			uint64_t max_keys, uint32_t *count, uint64_t flags)
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
		if (!started && refused(err, want, n)) {
			*mode = LBG_ELEMENTS;
			return read_elements(fd, take, false, token, keys, key_size, values, value_size, max_keys,
					     count, flags);
		}
		/* Of the other errors, only these leave the count of what was read. */
		if (err && err != -ENOENT && err != -EINTR)
			break;
		/*
		 * Before Linux 6.14 it ends at a key without a value: a place that is empty, or an element that vanished
		 * meanwhile. Where that comes first, step over it.
		 */
		if (err == -EINTR) {
			err = 0;
			if (!n) {
				n = 1;
				err = read_elements(fd, take, started, token, k, key_size, v, value_size, max_keys, &n,
						    flags);
			}
		}
		have += n;
		started = started || n;
		if (!n)
			break;
	}
	*count = have;
	return have && err == -ENOSPC ? 0 : err;
}

int lbg_map_read(int fd, enum lbg_batch_mode *mode, bool take, bool started, unsigned char *token, unsigned char *keys,
		 uint32_t key_size, unsigned char *values, uint32_t value_size, uint64_t max_keys, uint32_t *count,
		 uint64_t flags)
{
	if (*mode == LBG_BATCH)
		return read_batches(fd, mode, take, started, token, keys, key_size, values, value_size, max_keys, count,
				    flags);
	return read_elements(fd, take, started, token, keys, key_size, values, value_size, max_keys, count, flags);
}

int lbg_map_keys(int fd, bool started, unsigned char *last, unsigned char *keys, uint32_t key_size, uint32_t *count,
		 unsigned char *value)
{
	uint32_t want = *count;

	for (*count = 0; *count < want; ++*count) {
		unsigned char *k = keys + (size_t)*count * key_size;
		int err = bpf_map_get_next_key(fd, started ? last : NULL, k);

		if (!err && value)
			err = bpf_map_lookup_elem_flags(fd, k, value, 0);
		if (err)
			return err;
		memcpy(last, k, key_size);
		started = true;
	}
	return 0;
}

int lbg_map_write(int fd, enum lbg_batch_mode *mode, const unsigned char *keys, uint32_t key_size,
		  const unsigned char *values, uint32_t value_size, uint32_t *count, uint64_t flags)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = flags);
	uint32_t want = *count;
	int err;

	if (*mode == LBG_BATCH) {
		err = values ? bpf_map_update_batch(fd, keys, values, count, &opts) :
			       bpf_map_delete_batch(fd, keys, count, &opts);
		if (!refused(err, want, *count)) {
			if (err && *count == want)
				*count = 0; /* it did not come to the first element */
			return err;
		}
		*mode = LBG_ELEMENTS;
	}
	for (*count = 0; *count < want; ++*count) {
		const unsigned char *k = keys + (size_t)*count * key_size;

		err = values ? bpf_map_update_elem(fd, k, values + (size_t)*count * value_size, flags) :
			       bpf_map_delete_elem(fd, k);
		if (err)
			return err;
	}
	return 0;
}
