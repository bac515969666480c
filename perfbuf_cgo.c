#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>

#include <bpf/libbpf.h>

#include "perfbuf_cgo.h"

struct lbg_perf {
	struct perf_buffer *pb;
	struct lbg_batch batch;
	size_t next; /* the buffer to begin with: a busy one must not starve those behind it */
};

struct sample {
	struct perf_event_header header;
	uint32_t size;
	char data[];
};

struct lost {
	struct perf_event_header header;
	uint64_t id;
	uint64_t lost;
};

static enum bpf_perf_event_ret on_event(void *ctx, int cpu, struct perf_event_header *event)
{
	struct lbg_batch *batch = &((struct lbg_perf *)ctx)->batch;
	bool full = false;

	switch (event->type) {
	case PERF_RECORD_SAMPLE:
		full = lbg_batch_add(batch, cpu, ((struct sample *)event)->data, ((struct sample *)event)->size, 0);
		break;
	case PERF_RECORD_LOST:
		full = lbg_batch_add(batch, cpu, "", 0, ((struct lost *)event)->lost);
		break;
	}
	return full ? LIBBPF_PERF_EVENT_DONE : LIBBPF_PERF_EVENT_CONT;
}

int lbg_perf_new(int map_fd, size_t pages, uint32_t wakeup_events, struct lbg_perf **out)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.wakeup_events = wakeup_events,
	};
	struct lbg_perf *perf = calloc(1, sizeof(*perf));
	int err;

	if (!perf)
		return -ENOMEM;
	perf->pb = perf_buffer__new_raw(map_fd, pages, &attr, on_event, perf, NULL);
	if (!perf->pb) {
		err = -errno;
		free(perf);
		return err;
	}
	*out = perf;
	return 0;
}

void lbg_perf_free(struct lbg_perf *perf)
{
	perf_buffer__free(perf->pb);
	free(perf);
}

int lbg_perf_epoll_fd(const struct lbg_perf *perf)
{
	return perf_buffer__epoll_fd(perf->pb);
}

int lbg_perf_fill(struct lbg_perf *perf, unsigned char *data, size_t capacity, struct lbg_record *records,
		  uint32_t max, struct lbg_filled *filled)
{
	size_t n = perf_buffer__buffer_cnt(perf->pb);
	int ret = 0;

	perf->batch = (struct lbg_batch){ .data = data, .capacity = capacity, .records = records, .max = max };
	for (size_t i = 0; i < n && !ret && !lbg_batch_full(&perf->batch); i++) {
		size_t index = (perf->next + i) % n;

		ret = perf_buffer__consume_buffer(perf->pb, index);
		if (lbg_batch_full(&perf->batch))
			perf->next = (index + 1) % n;
	}
	filled->count = perf->batch.count;
	filled->spill = perf->batch.spill;
	perf->batch = (struct lbg_batch){ 0 };
	return ret;
}
