#ifndef LIBBPF_GO_PERFBUF_H
#define LIBBPF_GO_PERFBUF_H

#include "batch_cgo.h"

struct lbg_perf;

/*
 * Opens a perf event on each of n CPUs and puts it into the map under the CPU's key; *perf is set when the result is 0.
 * attr is a struct perf_event_attr, as long as it says. If whole, events are handed over as they are, not their samples
 * and losses.
 */
int lbg_perf_new(int map_fd, size_t pages, unsigned char *attr, int *cpus, int *keys, int n, bool whole,
		 struct lbg_perf **perf);
void lbg_perf_free(struct lbg_perf *perf);
int lbg_perf_epoll_fd(const struct lbg_perf *perf);
int lbg_perf_buffer_fd(const struct lbg_perf *perf, int index);
/* The page with the positions, and behind it *size bytes of data. */
int lbg_perf_buffer(struct lbg_perf *perf, int index, unsigned char **memory, size_t *size);

/* Consumes records until the batch is full or all buffers are empty; of one buffer, if index is not negative. */
int lbg_perf_fill(struct lbg_perf *perf, int index, unsigned char *data, size_t capacity, struct lbg_record *records,
		  uint32_t max, struct lbg_filled *filled);

#endif
