#ifndef LIBBPF_GO_RINGBUF_H
#define LIBBPF_GO_RINGBUF_H

#include "batch_cgo.h"

struct lbg_rings;

/* Opens n ring buffers; *rings is set when the result is 0. */
int lbg_rings_new(const int *map_fds, int n, struct lbg_rings **rings);
void lbg_rings_free(struct lbg_rings *rings);
int lbg_rings_epoll_fd(const struct lbg_rings *rings);

/* Consumes records until the batch is full or all rings are empty. */
int lbg_rings_fill(struct lbg_rings *rings, unsigned char *data, size_t capacity, struct lbg_record *records,
		   uint32_t max, struct lbg_filled *filled);

struct lbg_ring_stats {
	uint64_t size, available, consumer_pos, producer_pos;
};

/* Where libbpf lacks the functions, Go does not call it. */
void lbg_rings_stats(const struct lbg_rings *rings, int index, struct lbg_ring_stats *stats);

#endif
