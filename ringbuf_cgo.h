#ifndef LIBBPF_GO_RINGBUF_H
#define LIBBPF_GO_RINGBUF_H

#include <stdint.h>

struct ring_buffer;

/* Opens n ring buffers; *rb is set when the result is 0. */
int lbg_rings_new(const int *map_fds, int n, struct ring_buffer **rb);

struct lbg_ring_stats {
	uint64_t size, available, consumer_pos, producer_pos;
};

/* Where libbpf lacks the functions, Go does not call it. */
void lbg_rings_stats(struct ring_buffer *rb, int index, struct lbg_ring_stats *stats);

#endif
