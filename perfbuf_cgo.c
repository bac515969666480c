#include <errno.h>

#include <bpf/libbpf.h>

#include "perfbuf_cgo.h"

/* libbpf needs a callback, but Go reads the buffers itself. */
static enum bpf_perf_event_ret no_event(void *ctx, int cpu, struct perf_event_header *event)
{
	(void)ctx, (void)cpu, (void)event;
	return LIBBPF_PERF_EVENT_ERROR;
}

int lbg_perf_new(int map_fd, size_t pages, unsigned char *attr, int *cpus, int *keys, int n, struct perf_buffer **pb)
{
	LIBBPF_OPTS(perf_buffer_raw_opts, opts, .cpu_cnt = n, .cpus = cpus, .map_keys = keys);

	*pb = perf_buffer__new_raw(map_fd, pages, (struct perf_event_attr *)attr, no_event, NULL, &opts);
	return *pb ? 0 : -errno;
}

int lbg_perf_buffer(struct perf_buffer *pb, int index, unsigned char **memory, size_t *size)
{
	return perf_buffer__buffer(pb, index, (void **)memory, size);
}
