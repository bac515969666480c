#ifndef LIBBPF_GO_PERFBUF_H
#define LIBBPF_GO_PERFBUF_H

#include "batch_cgo.h"

struct lbg_perf;

/* Opens a perf event on every online CPU; *perf is set when the result is 0. */
int lbg_perf_new(int map_fd, size_t pages, uint32_t wakeup_events, struct lbg_perf **perf);
void lbg_perf_free(struct lbg_perf *perf);
int lbg_perf_epoll_fd(const struct lbg_perf *perf);

/* Consumes records until the batch is full or all buffers are empty. */
int lbg_perf_fill(struct lbg_perf *perf, unsigned char *data, size_t capacity, struct lbg_record *records,
		  uint32_t max, struct lbg_filled *filled);

#endif
