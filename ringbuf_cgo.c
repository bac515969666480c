#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include "_cgo_export.h"
#include "ringbuf_cgo.h"

/*
 * The order of memory accesses is libbpf's: it loads the producer position and headers with acquire, and stores the
 * consumer position with release, for the reasons that the documentation of internal/ring has. This file adds three
 * accesses. The producer position is loaded with acquire, as the end that a call consumes up to. The consumer position
 * is loaded relaxed: only the thread that consumes stores it, and a lock hands that over. Where a record is refused, the
 * position is stored with release.
 *
 * libbpf does not order its last store of the consumer position before the loads with which Go looks again before it
 * waits. On arm64 its store is a plain one behind a barrier, which Go's LDAR may pass, and on x86 each load may pass an
 * earlier store. Then the kernel sees the old position and notifies nobody, while Go sees no record. So there is a full
 * barrier between them.
 */
static void before_waiting(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* What on_record returns to end a function of libbpf early, which passes it on, and never returns it by itself. */
#define LBG_PAUSE (-ECANCELED)

/* A record takes as much room in a batch as in a ring. */
_Static_assert(sizeof(struct lbg_record) == BPF_RINGBUF_HDR_SZ, "the headers have different sizes");

static size_t room_of(size_t size)
{
	return (sizeof(struct lbg_record) + size + 7) & ~(size_t)7;
}

static unsigned char *put(unsigned char *at, uint32_t ring, const void *data, size_t size)
{
	struct lbg_record record = { .ring = ring, .size = (uint32_t)size };

	memcpy(at, &record, sizeof(record));
	return memcpy(at + sizeof(record), data, size);
}

/* Says that a record is impossible, and remembers where, because libbpf steps over it. */
static int refuse(struct lbg_ring *ring, unsigned long begin)
{
	ring->rings->damaged = ring;
	ring->rings->damage = begin;
	return -EBADMSG;
}

/* The callback of libbpf for one record. The record is consumed whatever this returns, so it must be kept. */
static int on_record(void *ctx, void *data, size_t size)
{
	struct lbg_ring *ring = ctx;
	struct lbg_rings *rings = ring->rings;
	unsigned long begin = __atomic_load_n(ring->consumer, __ATOMIC_RELAXED);
	size_t room = room_of(size);

	/* Go has not called: C code polls. */
	if (!rings->batch)
		return libbpfGoRecord(rings->handle, ring->index, data, size) ? -ECANCELED : 0;
	/* Others may write to the consumer position. What is there is then no record. */
	if (size > ring->size - BPF_RINGBUF_HDR_SZ || room > __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) - begin)
		return refuse(ring, begin);
	if (room <= rings->size - rings->used) {
		put(rings->batch + rings->used, ring->index, data, size);
		rings->used += room;
	} else {
		rings->outsize = malloc(room);
		if (!rings->outsize)
			return -ENOMEM;
		put(rings->outsize, ring->index, data, size);
	}
	if (room > rings->largest)
		rings->largest = room;
	ring->done = (long)(ring->end - (begin + room)) <= 0;
	if (!--rings->most || ring->done || rings->outsize || rings->size - rings->used < rings->largest) {
		rings->turn = (ring->index + 1) % rings->count;
		return LBG_PAUSE;
	}
	return 0;
}

int lbg_rings_new(const int *map_fds, uint32_t count, uintptr_t handle, struct lbg_rings **out)
{
	struct lbg_rings *rings = calloc(1, sizeof(*rings) + count * sizeof(rings->ring[0]));
	int err = 0;

	if (!rings)
		return -ENOMEM;
	rings->handle = handle;
	rings->count = count;
	for (uint32_t i = 0; i < count && !err; i++) {
		rings->ring[i].rings = rings;
		rings->ring[i].index = i;
		if (i) {
			err = ring_buffer__add(rings->rb, map_fds[i], on_record, &rings->ring[i]);
		} else {
			rings->rb = ring_buffer__new(map_fds[0], on_record, &rings->ring[0], NULL);
			err = rings->rb ? 0 : -errno;
		}
#ifdef LBG_RING_ALONE
		if (!err) {
			rings->ring[i].alone = ring_buffer__new(map_fds[i], on_record, &rings->ring[i], NULL);
			err = rings->ring[i].alone ? 0 : -errno;
		}
#endif
	}
	if (err) {
		lbg_rings_free(rings);
		return err;
	}
	*out = rings;
	return 0;
}

void lbg_rings_free(struct lbg_rings *rings)
{
#ifdef LBG_RING_ALONE
	for (uint32_t i = 0; i < rings->count; i++)
		ring_buffer__free(rings->ring[i].alone);
#endif
	ring_buffer__free(rings->rb);
	free(rings);
}

void lbg_ring_map(struct lbg_rings *rings, uint32_t index, void *consumer, void *producer, unsigned long size)
{
	rings->ring[index].consumer = consumer;
	rings->ring[index].producer = producer;
	rings->ring[index].size = size;
}

void lbg_rings_stats(struct ring_buffer *rb, uint32_t index, struct lbg_ring_stats *stats)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	const struct ring *ring = ring_buffer__ring(rb, index);

	*stats = (struct lbg_ring_stats){
		.size = ring__size(ring),
		.available = ring__avail_data_size(ring),
		.consumer_pos = ring__consumer_pos(ring),
		.producer_pos = ring__producer_pos(ring),
	};
#else
	(void)rb, (void)index, (void)stats;
#endif
}

int lbg_rings_map_fd(struct ring_buffer *rb, uint32_t index)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	struct ring *ring = ring_buffer__ring(rb, index);

	return ring ? ring__map_fd(ring) : -1;
#else
	(void)rb, (void)index;
	return -1;
#endif
}

/* Of all rings, those of poll that have a record. */
static int consume(struct ring_buffer *rb, enum lbg_how how, uint64_t most)
{
	switch (how) {
	case LBG_POLL:
		return ring_buffer__poll(rb, 0);
	case LBG_CONSUME_N:
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
		return ring_buffer__consume_n(rb, most);
#endif
	case LBG_CONSUME:
		break;
	}
	(void)most;
	return ring_buffer__consume(rb);
}

int lbg_ring_buffer_consume(struct ring_buffer *rb, enum lbg_how how, uint64_t most)
{
	int n = consume(rb, how, most);

	before_waiting();
	return n;
}

/* Lets libbpf consume the ring whose turn it is. */
static int consume_turn(struct lbg_rings *rings)
{
	struct lbg_ring *ring = &rings->ring[rings->turn];
#ifdef LBG_RING_ALONE
	int err = ring_buffer__consume(ring->alone);
#else
	int err = ring__consume(ring_buffer__ring(rings->rb, rings->turn));
#endif

	if (err >= 0)
		ring->done = true;
	return err;
}

/* Finds the ring to continue with, from turn on. Returns false if all are done. */
static bool next_turn(struct lbg_rings *rings)
{
	for (uint32_t i = 0; i < rings->count; i++) {
		if (!rings->ring[rings->turn].done)
			return true;
		rings->turn = (rings->turn + 1) % rings->count;
	}
	rings->turn = 0;
	return false;
}

/* Begins a call: notes where each ring ends now. Returns false if there are no records. */
static bool begin(struct lbg_rings *rings, uint64_t most)
{
	bool any = false;

	for (uint32_t i = 0; i < rings->count; i++) {
		struct lbg_ring *ring = &rings->ring[i];

		ring->end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
		ring->done = __atomic_load_n(ring->consumer, __ATOMIC_RELAXED) == ring->end;
		any = any || !ring->done;
	}
	rings->most = most;
	rings->all = !rings->turn;
	if (any && !rings->all)
		next_turn(rings);
	return any;
}

/* Lets libbpf consume. Returns LBG_PAUSE if there may be more, and otherwise what libbpf returned. */
static int consume_next(struct lbg_rings *rings, enum lbg_how how)
{
	int err;

	if (rings->all) {
		rings->all = false;
		return consume(rings->rb, how, rings->most);
	}
	err = consume_turn(rings);
	return err < 0 ? err : LBG_PAUSE; /* this ring is done: continue with the next */
}

int lbg_rings_fill(struct lbg_rings *rings, enum lbg_how how, uint64_t most, unsigned char *batch, size_t size)
{
	int err;

	rings->used = 0;
	if (most && !begin(rings, most))
		return 0;
	rings->batch = batch;
	rings->size = size;
	rings->damaged = NULL;
	err = consume_next(rings, how);
	rings->batch = NULL;
	if (rings->damaged)
		__atomic_store_n(rings->damaged->consumer, rings->damage, __ATOMIC_RELEASE);
	before_waiting();
	if (err == LBG_PAUSE)
		return rings->most && next_turn(rings) ? LBG_MORE : 0;
	return err < 0 ? err : 0;
}
