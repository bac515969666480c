#include <stdlib.h>
#include <string.h>

#include "batch_cgo.h"

bool lbg_batch_full(const struct lbg_batch *batch)
{
	return batch->count == batch->max || batch->used >= batch->capacity || batch->spill;
}

bool lbg_batch_add(struct lbg_batch *batch, int source, const void *data, uint32_t size, uint64_t lost)
{
	struct lbg_record *record = &batch->records[batch->count++];
	size_t room = ((size_t)size + 7) & ~(size_t)7;

	record->source = source;
	record->size = size;
	record->lost = lost;
	if (room <= batch->capacity - batch->used) {
		memcpy(batch->data + batch->used, data, size);
		batch->used += room;
	} else {
		batch->spill = malloc(size);
		/*
		 * libbpf has consumed the record: there is no way to leave it for later, and the count of what was
		 * handed over would be wrong. A program that can't allocate one record is beyond help.
		 */
		if (!batch->spill)
			abort();
		memcpy(batch->spill, data, size);
	}
	return lbg_batch_full(batch);
}
