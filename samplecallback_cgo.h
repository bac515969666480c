#ifndef LIBBPF_GO_SAMPLECALLBACK_H
#define LIBBPF_GO_SAMPLECALLBACK_H

#include <stdint.h>

#include <bpf/libbpf.h>

/* C code passes these, with the result of lbg_context, to ring_buffer__new, perf_buffer__new and perf_buffer__new_raw. */
int lbg_on_ring_sample(void *ctx, void *data, size_t size);
void lbg_on_perf_sample(void *ctx, int cpu, void *data, __u32 size);
void lbg_on_perf_lost(void *ctx, int cpu, __u64 count);
enum bpf_perf_event_ret lbg_on_perf_event(void *ctx, int cpu, struct perf_event_header *event);

/* A handle is no pointer. In Go, the conversion would make it look like one. */
static inline void *lbg_context(uintptr_t handle)
{
	return (void *)handle;
}

#endif
