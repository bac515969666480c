#include <errno.h>
#include <stdlib.h>

#include <bpf/libbpf.h>

#include "ringbuf_cgo.h"

/* What the callback returns to make libbpf stop: no errno, and not taken for one. */
#define STOP (-1000000)

struct ring_ctx {
	struct lbg_rings *rings;
	int index;
};

struct lbg_rings {
	struct ring_buffer *rb;
	struct lbg_batch batch;
	int n, next; /* the ring to begin with: a busy one must not starve those behind it */
	struct ring_ctx ctx[];
};

static int on_record(void *p, void *data, size_t size)
{
	struct ring_ctx *ctx = p;

	return lbg_batch_add(&ctx->rings->batch, ctx->index, data, (uint32_t)size) ? STOP : 0;
}

int lbg_rings_new(const int *map_fds, int n, struct lbg_rings **out)
{
	struct lbg_rings *rings = calloc(1, sizeof(*rings) + n * sizeof(rings->ctx[0]));
	int err;

	if (!rings)
		return -ENOMEM;
	rings->n = n;
	for (int i = 0; i < n; i++) {
		rings->ctx[i] = (struct ring_ctx){ rings, i };
		if (i == 0) {
			rings->rb = ring_buffer__new(map_fds[0], on_record, &rings->ctx[0], NULL);
			err = rings->rb ? 0 : -errno;
		} else {
			err = ring_buffer__add(rings->rb, map_fds[i], on_record, &rings->ctx[i]);
		}
		if (err) {
			lbg_rings_free(rings);
			return err;
		}
	}
	*out = rings;
	return 0;
}

void lbg_rings_free(struct lbg_rings *rings)
{
	ring_buffer__free(rings->rb);
	free(rings);
}

int lbg_rings_epoll_fd(const struct lbg_rings *rings)
{
	return ring_buffer__epoll_fd(rings->rb);
}

static int consume(struct lbg_rings *rings)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	for (int i = 0; i < rings->n; i++) {
		int index = (rings->next + i) % rings->n;
		int ret = ring__consume(ring_buffer__ring(rings->rb, index));

		if (ret < 0) {
			rings->next = (index + 1) % rings->n;
			return ret;
		}
	}
	return 0;
#else
	return ring_buffer__consume(rings->rb);
#endif
}

int lbg_rings_fill(struct lbg_rings *rings, unsigned char *data, size_t capacity, struct lbg_record *records,
		   uint32_t max, struct lbg_filled *filled)
{
	int ret;

	rings->batch = (struct lbg_batch){ .data = data, .capacity = capacity, .records = records, .max = max };
	ret = consume(rings);
	filled->count = rings->batch.count;
	filled->spill = rings->batch.spill;
	rings->batch = (struct lbg_batch){ 0 };
	return ret == STOP || ret > 0 ? 0 : ret;
}

void lbg_rings_stats(const struct lbg_rings *rings, int index, struct lbg_ring_stats *stats)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	const struct ring *ring = ring_buffer__ring(rings->rb, index);

	*stats = (struct lbg_ring_stats){
		.size = ring__size(ring),
		.available = ring__avail_data_size(ring),
		.consumer_pos = ring__consumer_pos(ring),
		.producer_pos = ring__producer_pos(ring),
	};
#endif
}
