#include <errno.h>

#include "mapelement_cgo.h"

int lbg_map_lookup_many(int fd, const unsigned char *keys, uint32_t key_size, unsigned char *values,
			uint32_t value_size, bool *found, uint32_t n, uint64_t flags, uint32_t *done, uint32_t *hits)
{
	for (*done = *hits = 0; *done < n; ++*done) {
		int err = bpf_map_lookup_elem_flags(fd, keys + (size_t)*done * key_size,
						    values + (size_t)*done * value_size, flags);

		if (err && err != -ENOENT)
			return err;
		found[*done] = !err;
		*hits += !err;
	}
	return 0;
}
