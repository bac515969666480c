package libbpf

/*
#cgo noescape lbg_rings_fill
#cgo nocallback lbg_rings_fill
#cgo noescape lbg_user_ring_reserve
#cgo nocallback lbg_user_ring_reserve
#cgo noescape lbg_user_ring_commit
#cgo nocallback lbg_user_ring_commit

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <bpf/libbpf.h>
#include "perfbuf_cgo.h"
#include "ringbuf_cgo.h"
#include "samplecallback_cgo.h"

// The C files get this preamble too, with the declarations of the exported functions: all functions must be static.

static int lbg_user_ring_new(int map_fd, struct user_ring_buffer **ring)
{
	*ring = user_ring_buffer__new(map_fd, NULL);
	return *ring ? 0 : -errno;
}

static int lbg_user_ring_reserve(struct user_ring_buffer *ring, __u32 size, void **sample)
{
	*sample = user_ring_buffer__reserve(ring, size);
	return *sample ? 0 : -errno;
}

static void lbg_user_ring_commit(struct user_ring_buffer *ring, void *sample, bool submit)
{
	if (submit)
		user_ring_buffer__submit(ring, sample);
	else
		user_ring_buffer__discard(ring, sample);
}
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The buffers of libbpf, and those of ringbuf_cgo.h.
type (
	cRingBuffer = C.struct_ring_buffer
	cPerfBuffer = C.struct_perf_buffer
	cUserRing   = C.struct_user_ring_buffer
	cRingSet    = C.struct_lbg_rings
	cRecord     = C.struct_lbg_record
)

// Functions for buffers of records, and the functions of Go that C calls with records. Those that return a cInt return
// below 0 the number of an error.

// newRings opens a ring_buffer for maps. C passes the handle, of a RingBuffer, to libbpfGoRecord.
func newRings(maps []cInt, handle cgo.Handle) (rings *cRingSet, ret cInt) {
	ret = C.lbg_rings_new(&maps[0], C.uint32_t(len(maps)), C.uintptr_t(handle), &rings)
	return rings, ret
}

// closeRings frees the ring_buffer too.
func closeRings(rings *cRingSet) { C.lbg_rings_free(rings) }

// setRingMemory says where the positions of a ring are, and how many bytes of data it has.
func setRingMemory(rings *cRingSet, index int, consumer, producer unsafe.Pointer, size uintptr) {
	C.lbg_ring_map(rings, C.uint32_t(index), consumer, producer, C.ulong(size))
}

// The functions of libbpf with which fillFromRings and consumeCRings begin.
const (
	howPoll     uint32 = C.LBG_POLL
	howConsume  uint32 = C.LBG_CONSUME
	howConsumeN uint32 = C.LBG_CONSUME_N
)

// fillFromRings lets libbpf put the next records into the batch, and one for which it has no room into outsize. It
// reports whether there may be more. most is how many records are wanted, and 0 to go on behind the batch before.
func fillFromRings(rings *cRingSet, how uint32, most int, batch []byte) (used int, outsize []byte, more bool, ret cInt) {
	ret = C.lbg_rings_fill(rings, how, C.uint64_t(most), cBytes(batch), C.size_t(len(batch)))
	if rings.outsize != nil {
		size := (*cRecord)(unsafe.Pointer(rings.outsize)).size
		outsize = C.GoBytes(unsafe.Pointer(rings.outsize), C.int(C.sizeof_struct_lbg_record+size))
		C.free(unsafe.Pointer(rings.outsize))
		rings.outsize = nil
	}
	return int(rings.used), outsize, ret == C.LBG_MORE, ret
}

// consumeCRings lets libbpf consume a ring_buffer with callbacks of C. It returns how many records there were.
func consumeCRings(rb *cRingBuffer, how uint32, most int) cInt {
	return C.lbg_ring_buffer_consume(rb, how, C.uint64_t(most))
}

func ringsEpollFD(rb *cRingBuffer) int { return int(C.ring_buffer__epoll_fd(rb)) }
func freeRings(rb *cRingBuffer)        { C.ring_buffer__free(rb) }

// These need libbpf 1.3.

// ringMapFD is -1 behind the last ring.
func ringMapFD(rb *cRingBuffer, index int) cInt { return C.lbg_rings_map_fd(rb, C.uint32_t(index)) }

func ringStats(rb *cRingBuffer, index int) RingStats {
	var stats C.struct_lbg_ring_stats
	C.lbg_rings_stats(rb, C.uint32_t(index), &stats)
	return RingStats{
		Size: uint64(stats.size), Available: uint64(stats.available),
		ConsumerPos: uint64(stats.consumer_pos), ProducerPos: uint64(stats.producer_pos),
	}
}

// libbpfGoRecord receives one record in place, while C code polls the ring_buffer. It returns whether to stop.
//
//export libbpfGoRecord
func libbpfGoRecord(handle C.uintptr_t, index C.uint32_t, data unsafe.Pointer, size C.size_t) (stop C.bool) {
	r := cgo.Handle(handle).Value().(*RingBuffer)
	return C.bool(!r.receiveInPlace(int(index), unsafe.Slice((*byte)(data), int(size))))
}

// newPerf opens an event on each CPU, and puts it into the map under the key of the CPU.
func newPerf(mapFD, pages int, attr *unix.PerfEventAttr, cpus, keys []cInt) (pb *cPerfBuffer, ret cInt) {
	ret = C.lbg_perf_new(C.int(mapFD), C.size_t(pages), (*C.uchar)(unsafe.Pointer(attr)), &cpus[0], &keys[0],
		C.int(len(cpus)), &pb)
	return pb, ret
}

func freePerf(pb *cPerfBuffer)            { C.perf_buffer__free(pb) }
func perfEpollFD(pb *cPerfBuffer) int     { return int(C.perf_buffer__epoll_fd(pb)) }
func perfBufferCount(pb *cPerfBuffer) int { return int(C.perf_buffer__buffer_cnt(pb)) }

func perfBufferFD(pb *cPerfBuffer, index int) int {
	return int(C.perf_buffer__buffer_fd(pb, C.size_t(index)))
}

// perfMemory is libbpf's mapping of a buffer: the page with the positions, and behind it size bytes of data.
func perfMemory(pb *cPerfBuffer, index int) (start unsafe.Pointer, size int, ret cInt) {
	var memory *C.uchar
	var length C.size_t
	ret = C.lbg_perf_buffer(pb, C.int(index), &memory, &length)
	return unsafe.Pointer(memory), int(length), ret
}

// The functions that consume a perf_buffer call the callbacks of C.

// pollPerf does not wait.
func pollPerf(pb *cPerfBuffer) cInt    { return C.perf_buffer__poll(pb, 0) }
func consumePerf(pb *cPerfBuffer) cInt { return C.perf_buffer__consume(pb) }

func consumePerfBuffer(pb *cPerfBuffer, index int) cInt {
	return C.perf_buffer__consume_buffer(pb, C.size_t(index))
}

func newUserRing(mapFD int) (ring *cUserRing, ret cInt) {
	ret = C.lbg_user_ring_new(C.int(mapFD), &ring)
	return ring, ret
}

func freeUserRing(ring *cUserRing) { C.user_ring_buffer__free(ring) }

// reserveUserRing returns where the sample is in libbpf's mapping.
func reserveUserRing(ring *cUserRing, size int) (sample unsafe.Pointer, ret cInt) {
	ret = C.lbg_user_ring_reserve(ring, C.__u32(size), &sample)
	return sample, ret
}

// commitUserRing submits a sample or discards it.
func commitUserRing(ring *cUserRing, sample unsafe.Pointer, submit bool) {
	C.lbg_user_ring_commit(ring, sample, C.bool(submit))
}

// The functions of C that C code passes to libbpf as callbacks, with contextOf as their context.

func onRingSample() unsafe.Pointer { return C.lbg_on_ring_sample }
func onPerfSample() unsafe.Pointer { return C.lbg_on_perf_sample }
func onPerfLost() unsafe.Pointer   { return C.lbg_on_perf_lost }
func onPerfEvent() unsafe.Pointer  { return C.lbg_on_perf_event }

// contextOf is the handle of a SampleCallback, which is no pointer to memory.
func contextOf(handle cgo.Handle) unsafe.Pointer { return C.lbg_context(C.uintptr_t(handle)) }

// libbpfGoSample receives a record for a SampleCallback. It returns whether to stop.
//
//export libbpfGoSample
func libbpfGoSample(handle C.uintptr_t, cpu C.int, data unsafe.Pointer, size C.size_t) (stop C.bool) {
	c := callbackOf(cgo.Handle(handle))
	return C.bool(c == nil || !c.receive(int(cpu), unsafe.Slice((*byte)(data), int(size))))
}

// libbpfGoLost receives how many records a CPU could not write.
//
//export libbpfGoLost
func libbpfGoLost(handle C.uintptr_t, cpu C.int, count C.__u64) {
	if c := callbackOf(cgo.Handle(handle)); c != nil {
		c.receiveLost(int(cpu), uint64(count))
	}
}
