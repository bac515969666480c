#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>

#include <bpf/libbpf.h>

#include "perfbuf_cgo.h"

struct lbg_perf {
	struct perf_buffer *pb;
	struct lbg_batch batch;
	bool whole;
	int next; /* the buffer to begin with: a busy one must not starve those behind it */
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
	struct lbg_perf *perf = ctx;
	struct lbg_batch *batch = &perf->batch;
	bool full = false;

	if (perf->whole)
		full = lbg_batch_add(batch, cpu, event, event->size, 0);
	else if (event->type == PERF_RECORD_SAMPLE)
		full = lbg_batch_add(batch, cpu, ((struct sample *)event)->data, ((struct sample *)event)->size, 0);
	else if (event->type == PERF_RECORD_LOST)
		full = lbg_batch_add(batch, cpu, "", 0, ((struct lost *)event)->lost);
	return full ? LIBBPF_PERF_EVENT_DONE : LIBBPF_PERF_EVENT_CONT;
}

int lbg_perf_new(int map_fd, size_t pages, unsigned char *attr, int *cpus, int *keys, int n, bool whole,
		 struct lbg_perf **out)
{
	struct perf_buffer_raw_opts opts = { .sz = sizeof(opts), .cpu_cnt = n, .cpus = cpus, .map_keys = keys };
	struct lbg_perf *perf = calloc(1, sizeof(*perf));
	int err;

	if (!perf)
		return -ENOMEM;
	perf->whole = whole;
	perf->pb = perf_buffer__new_raw(map_fd, pages, (struct perf_event_attr *)attr, on_event, perf, &opts);
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

int lbg_perf_buffer_fd(const struct lbg_perf *perf, int index)
{
	return perf_buffer__buffer_fd(perf->pb, index);
}

int lbg_perf_buffer(struct lbg_perf *perf, int index, unsigned char **memory, size_t *size)
{
	return perf_buffer__buffer(perf->pb, index, (void **)memory, size);
}

int lbg_perf_fill(struct lbg_perf *perf, int index, unsigned char *data, size_t capacity, struct lbg_record *records,
		  uint32_t max, struct lbg_filled *filled)
{
	int n = (int)perf_buffer__buffer_cnt(perf->pb), ret = 0;

	perf->batch = (struct lbg_batch){ .data = data, .capacity = capacity, .records = records, .max = max };
	if (index >= 0) {
		ret = perf_buffer__consume_buffer(perf->pb, index);
	} else {
		for (int i = 0; i < n && !ret && !lbg_batch_full(&perf->batch); i++) {
			int turn = (perf->next + i) % n;

			ret = perf_buffer__consume_buffer(perf->pb, turn);
			if (lbg_batch_full(&perf->batch))
				perf->next = (turn + 1) % n;
		}
	}
	filled->count = perf->batch.count;
	filled->spill = perf->batch.spill;
	perf->batch = (struct lbg_batch){ 0 };
	return ret;
}
