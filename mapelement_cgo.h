#ifndef LIBBPF_GO_MAPELEMENT_H
#define LIBBPF_GO_MAPELEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <bpf/bpf.h>

/* Keys and values are unsigned char *: cgo looks at each call at what is behind a void *. */

static inline int lbg_map_lookup(int fd, const unsigned char *key, unsigned char *value, uint64_t flags)
{
	return bpf_map_lookup_elem_flags(fd, key, value, flags);
}

static inline int lbg_map_update(int fd, const unsigned char *key, const unsigned char *value, uint64_t flags)
{
	return bpf_map_update_elem(fd, key, value, flags);
}

static inline int lbg_map_delete(int fd, const unsigned char *key)
{
	return bpf_map_delete_elem(fd, key);
}

static inline int lbg_map_take(int fd, const unsigned char *key, unsigned char *value)
{
	return bpf_map_lookup_and_delete_elem(fd, key, value);
}

/*
 * Looks up n keys in order, and sets found for each. The value of a key that was not found stays unchanged. Stops at an
 * error other than -ENOENT. done is the number of keys before that error, hits the number of keys that were found.
 */
int lbg_map_lookup_many(int fd, const unsigned char *keys, uint32_t key_size, unsigned char *values,
			uint32_t value_size, bool *found, uint32_t n, uint64_t flags, uint32_t *done, uint32_t *hits);

#endif
