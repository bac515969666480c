#ifndef LIBBPF_GO_PERFBUF_H
#define LIBBPF_GO_PERFBUF_H

#include <stddef.h>

struct perf_buffer;

/*
 * Opens a perf event on each of n CPUs and puts it into the map under the key of the CPU. attr is a struct
 * perf_event_attr, as long as it says. Returns 0, and then *pb is set, or a negative errno.
 */
int lbg_perf_new(int map_fd, size_t pages, unsigned char *attr, int *cpus, int *keys, int n, struct perf_buffer **pb);

/* Returns the page with the positions, and behind it *size bytes of data. */
int lbg_perf_buffer(struct perf_buffer *pb, int index, unsigned char **memory, size_t *size);

#endif
