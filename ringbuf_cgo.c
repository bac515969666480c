#include <errno.h>

#include <bpf/libbpf.h>

#include "ringbuf_cgo.h"

/* libbpf wants one, but Go reads the rings itself. */
static int no_record(void *ctx, void *data, size_t size)
{
	(void)ctx, (void)data, (void)size;
	return -EINVAL;
}

int lbg_rings_new(const int *map_fds, int n, struct ring_buffer **out)
{
	struct ring_buffer *rb = ring_buffer__new(map_fds[0], no_record, NULL, NULL);

	if (!rb)
		return -errno;
	for (int i = 1; i < n; i++) {
		int err = ring_buffer__add(rb, map_fds[i], no_record, NULL);

		if (err) {
			ring_buffer__free(rb);
			return err;
		}
	}
	*out = rb;
	return 0;
}

void lbg_rings_stats(struct ring_buffer *rb, int index, struct lbg_ring_stats *stats)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	const struct ring *ring = ring_buffer__ring(rb, index);

	*stats = (struct lbg_ring_stats){
		.size = ring__size(ring),
		.available = ring__avail_data_size(ring),
		.consumer_pos = ring__consumer_pos(ring),
		.producer_pos = ring__producer_pos(ring),
	};
#endif
}
