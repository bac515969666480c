#ifndef LIBBPF_GO_RINGBUF_H
#define LIBBPF_GO_RINGBUF_H

#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>

/* What is in a batch: records end to end, each with this in front, and filled up to a multiple of eight bytes. */
struct lbg_record {
	uint32_t ring; /* its index */
	uint32_t size; /* of the bytes behind this, in bytes */
};

struct lbg_rings;

/* One ring, and the context of libbpf's callback for it. */
struct lbg_ring {
	struct lbg_rings *rings;
	uint32_t index;
	/* In a mapping of the caller's: how far records are consumed, and reserved. */
	unsigned long *consumer;
	const unsigned long *producer;
	unsigned long size; /* of the data, in bytes */
	unsigned long end;  /* where this call stops: the producer position at its beginning */
	int done;
};

/* The rings of a ring_buffer, and the call that is under way. */
struct lbg_rings {
	struct ring_buffer *rb;
	uintptr_t handle; /* a cgo.Handle, for libbpfGoRecords */
	uint32_t count;
	uint32_t turn; /* the ring to go on with, as a busy one must not starve those behind it; 0: with all */

	unsigned char *batch; /* Go's, for the time of the call */
	size_t size, used;
	size_t largest;		/* of the records so far, with what is in front: room to keep for one more */
	uint64_t most;		/* how many more records are wanted */
	struct lbg_ring *damaged;	/* where there is something that is no record, or NULL, */
	unsigned long damage;	/* and its position */
	unsigned char *outsize; /* a record that the batch had no room for, in the same form, or NULL: malloc'ed */
	struct lbg_ring ring[];
};

/* Opens libbpf's ring_buffer for the maps. Returns 0 or a negative errno. */
int lbg_rings_new(const int *map_fds, uint32_t count, uintptr_t handle, struct lbg_rings **out);
void lbg_rings_free(struct lbg_rings *rings);

/* Tells where the positions of a ring are. */
void lbg_ring_map(struct lbg_rings *rings, uint32_t index, void *consumer, void *producer, unsigned long size);

/* What libbpf, from version 1.3 on, knows of a ring's state. */
struct lbg_ring_stats {
	uint64_t size, available, consumer_pos, producer_pos;
};

/* Where libbpf has no functions for it, Go does not call this. */
void lbg_rings_stats(struct ring_buffer *rb, uint32_t index, struct lbg_ring_stats *stats);

/* The descriptor of a ring's map, -1 behind the last one. Where libbpf has no functions for it, Go does not call this. */
int lbg_rings_map_fd(struct ring_buffer *rb, uint32_t index);

/* By which function of libbpf's to begin. */
enum lbg_how { LBG_POLL, LBG_CONSUME, LBG_CONSUME_N };

/*
 * Lets libbpf hand over the records that are there, at most so many, through libbpfGoRecords, a batch in each call. batch
 * has size bytes. Returns 0, -EBADMSG where a ring is damaged, or another negative errno.
 */
int lbg_rings_consume(struct lbg_rings *rings, enum lbg_how how, unsigned char *batch, size_t size, uint64_t most);

/* Has libbpf consume a ring_buffer of C's, whose callbacks are C's. Returns how many records that were, or a negative errno. */
int lbg_ring_buffer_consume(struct ring_buffer *rb, enum lbg_how how, uint64_t most);

#endif
