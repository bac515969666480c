#ifndef LIBBPF_GO_PERFBUF_H
#define LIBBPF_GO_PERFBUF_H

#include <stddef.h>

struct perf_buffer;

/*
 * Opens a perf event on each of n CPUs and puts it into the map under the CPU's key; *pb is set when the result is 0.
 * attr is a struct perf_event_attr, as long as it says.
 */
int lbg_perf_new(int map_fd, size_t pages, unsigned char *attr, int *cpus, int *keys, int n, struct perf_buffer **pb);

/* The page with the positions, and behind it *size bytes of data. */
int lbg_perf_buffer(struct perf_buffer *pb, int index, unsigned char **memory, size_t *size);

#endif
