#include <stdlib.h>
#include <string.h>

#include "batch_cgo.h"

void lbg_batch_spill(struct lbg_batch *batch, const void *data, uint32_t size)
{
	batch->spill = malloc(size);
	/*
	 * libbpf has consumed the record: there is no way to leave it for later, and the count of what was handed over
	 * would be wrong. A program that can't allocate one record is beyond help.
	 */
	if (!batch->spill)
		abort();
	memcpy(batch->spill, data, size);
}
