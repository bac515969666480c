#ifndef LIBBPF_GO_BATCH_H
#define LIBBPF_GO_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Records on their way from a buffer of libbpf's to Go. libbpf gives a record's place back to the kernel when its
 * callback returns, so the callback copies the record here; Go then hands a whole batch to the user's callbacks, with
 * no C on the stack.
 */
struct lbg_record {
	int32_t source; /* the index of the ring */
	uint32_t size;  /* bytes; the next record's begin at the next multiple of 8 */
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

/* Puts a record that does not fit into memory of its own, which makes the batch full. */
void lbg_batch_spill(struct lbg_batch *batch, const void *data, uint32_t size);

/*
 * Adds a record, and tells whether the batch is full now. At least one record must still fit. It is here for
 * the compiler to put it into the callbacks: a call would cost as much as it does.
 */
static inline bool lbg_batch_add(struct lbg_batch *batch, int source, const void *data, uint32_t size)
{
	struct lbg_record *record = &batch->records[batch->count++];
	size_t room = ((size_t)size + 7) & ~(size_t)7;

	record->source = source;
	record->size = size;
	if (__builtin_expect(room > batch->capacity - batch->used, 0)) {
		lbg_batch_spill(batch, data, size);
		return true;
	}
	memcpy(batch->data + batch->used, data, size);
	batch->used += room;
	return batch->count == batch->max || batch->used >= batch->capacity;
}

#endif
