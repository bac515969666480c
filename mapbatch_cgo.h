#ifndef LIBBPF_GO_MAPBATCH_H
#define LIBBPF_GO_MAPBATCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How a batch is done: by the kernel, or element by element in C. Where the kernel refuses a batch because it has none
 * for the map, or none with such flags, and has done nothing, the functions go element by element, and leave that in
 * *mode. A batch that fails at one of its elements is over.
 */
enum lbg_batch_mode { LBG_BATCH, LBG_ELEMENTS };

/*
 * Reads up to *count elements behind the place that token names, or from the beginning where started is false, deletes
 * them if take is set, and leaves the new place in token. Sets *count to how many that were; max_keys bounds how many
 * keys without a value are stepped over. Returns 0, -ENOENT when the map has no more, -ENOSPC when not one was read
 * because those that must be read together are more, or another error.
 *
 * A token has the room of a key and of 4 bytes, whichever is more: the kernel's own is a bucket's number for hash tables
 * whatever the size of their keys.
 */
int lbg_map_read(int fd, enum lbg_batch_mode *mode, bool take, bool started, unsigned char *token, unsigned char *keys,
		 uint32_t key_size, unsigned char *values, uint32_t value_size, uint64_t max_keys, uint32_t *count,
		 uint64_t flags);

/*
 * Reads up to *count keys behind last, or from the beginning where started is false, and leaves the last one there. Sets
 * *count to how many that were, also before an error; -ENOENT when there are no more. Where value, room for an element, is
 * not NULL, a key must have an element: behind the last key of a cgroup storage, some kernels return memory that is no key.
 */
int lbg_map_keys(int fd, bool started, unsigned char *last, unsigned char *keys, uint32_t key_size, uint32_t *count,
		 unsigned char *value);

/* Sets, or without values deletes, *count elements, and sets *count to how many that were before an error. */
int lbg_map_write(int fd, enum lbg_batch_mode *mode, const unsigned char *keys, uint32_t key_size,
		  const unsigned char *values, uint32_t value_size, uint32_t *count, uint64_t flags);

#endif
