#ifndef LIBBPF_GO_RINGBUF_H
#define LIBBPF_GO_RINGBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>

/* A batch is records end to end, each with this in front, and filled up to a multiple of eight bytes. */
struct lbg_record {
	uint32_t ring; /* the index of its ring */
	uint32_t size; /* how many bytes are behind this */
};

/* Before libbpf 1.3 there is no function for one ring of several: each has a ring_buffer of its own as well. */
#if LIBBPF_MAJOR_VERSION == 1 && LIBBPF_MINOR_VERSION < 3
#define LBG_RING_ALONE
#endif

struct lbg_rings;

/* One ring: the context of the callback of libbpf. */
struct lbg_ring {
	struct lbg_rings *rings;
	uint32_t index;
#ifdef LBG_RING_ALONE
	struct ring_buffer *alone;
#endif
	/* The positions, in a mapping of the caller. */
	unsigned long *consumer;
	const unsigned long *producer;
	unsigned long size; /* of the data, in bytes */
	unsigned long end;  /* where this call stops: the producer position at its beginning */
	bool done;
};

/* The rings of a ring_buffer, and the call that is in progress. */
struct lbg_rings {
	struct ring_buffer *rb;
	uintptr_t handle; /* a cgo.Handle, for libbpfGoRecord */
	uint32_t count;
	/* the ring to continue with, so that a busy one does not starve those behind it; 0: all of them */
	uint32_t turn;
	bool all; /* begin with all rings */

	unsigned char *batch; /* memory of Go, while it is filled */
	size_t size, used;
	size_t largest;		  /* room of the largest record so far, which the batch keeps for one more */
	uint64_t most;		  /* how many more records are wanted */
	struct lbg_ring *damaged; /* the ring with an impossible record, or NULL, */
	unsigned long damage;	  /* and its position */
	unsigned char *outsize;	  /* a record for which the batch had no room, in the same form, from malloc; or NULL */
	struct lbg_ring ring[];
};

/* Opens a ring_buffer of libbpf for the maps. Returns 0 or a negative errno. */
int lbg_rings_new(const int *map_fds, uint32_t count, uintptr_t handle, struct lbg_rings **out);
void lbg_rings_free(struct lbg_rings *rings);

/* Says where the positions of a ring are. */
void lbg_ring_map(struct lbg_rings *rings, uint32_t index, void *consumer, void *producer, unsigned long size);

/* The state of a ring, which libbpf knows since version 1.3. */
struct lbg_ring_stats {
	uint64_t size, available, consumer_pos, producer_pos;
};

/* Go does not call this if libbpf has no functions for it. */
void lbg_rings_stats(struct ring_buffer *rb, uint32_t index, struct lbg_ring_stats *stats);

/* The descriptor of the map of a ring, or -1 behind the last ring. Go does not call this if libbpf has no functions for it. */
int lbg_rings_map_fd(struct ring_buffer *rb, uint32_t index);

/* The function of libbpf to begin with. */
enum lbg_how { LBG_POLL, LBG_CONSUME, LBG_CONSUME_N };

/* There may be more records. */
#define LBG_MORE 1

/*
 * Lets libbpf put the next records into a batch: used bytes, and behind them outsize, which the caller frees and sets to
 * NULL. how is the function for the first batch of a call, and most is how many records that call wants; most is 0 for the
 * batches behind it. Returns 0, LBG_MORE, -EBADMSG where a ring is damaged behind the records in the batch, or another
 * negative errno.
 *
 * It calls nothing of Go. A callback of a user may end its goroutine, and would unwind the functions of C below it.
 */
int lbg_rings_fill(struct lbg_rings *rings, enum lbg_how how, uint64_t most, unsigned char *batch, size_t size);

/* Lets libbpf consume a ring_buffer with callbacks of C. Returns the number of records, or a negative errno. */
int lbg_ring_buffer_consume(struct ring_buffer *rb, enum lbg_how how, uint64_t most);

#endif
