#ifndef LIBBPF_GO_BATCH_H
#define LIBBPF_GO_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Records on their way from a buffer of libbpf's to Go. libbpf gives a record's place back to the kernel when its
 * callback returns, so the callback copies the record here; Go then hands a whole batch to the user's callbacks, with no
 * C on the stack.
 */
struct lbg_record {
	int32_t source;  /* the index of the ring, or the CPU */
	uint32_t size;   /* bytes; the next record's begin at the next multiple of 8 */
	uint64_t lost;   /* not a record but the news that so many were lost */
};

/* The memory is Go's, for the time of one call. */
struct lbg_batch {
	unsigned char *data;
	size_t capacity, used;
	struct lbg_record *records;
	uint32_t max, count;
	unsigned char *spill;
};

struct lbg_filled {
	uint32_t count;       /* of records */
	unsigned char *spill; /* the last record, malloc'ed, where it was larger than the room that was left */
};

/* Adds a record or a loss, and tells whether the batch is full now. At least one record must still fit. */
bool lbg_batch_add(struct lbg_batch *batch, int source, const void *data, uint32_t size, uint64_t lost);

/* Whether lbg_batch_add must not be called any more. */
bool lbg_batch_full(const struct lbg_batch *batch);

#endif
