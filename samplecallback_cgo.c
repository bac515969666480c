#include <errno.h>
#include <linux/perf_event.h>

#include "_cgo_export.h"
#include "samplecallback_cgo.h"

int lbg_on_ring_sample(void *ctx, void *data, size_t size)
{
	return libbpfGoSample((uintptr_t)ctx, -1, data, size) ? -ECANCELED : 0;
}

void lbg_on_perf_sample(void *ctx, int cpu, void *data, __u32 size)
{
	libbpfGoSample((uintptr_t)ctx, cpu, data, size);
}

void lbg_on_perf_lost(void *ctx, int cpu, __u64 count)
{
	libbpfGoLost((uintptr_t)ctx, cpu, count);
}

enum bpf_perf_event_ret lbg_on_perf_event(void *ctx, int cpu, struct perf_event_header *event)
{
	return libbpfGoSample((uintptr_t)ctx, cpu, event, event->size) ? LIBBPF_PERF_EVENT_ERROR :
									 LIBBPF_PERF_EVENT_CONT;
}
