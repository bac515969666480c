#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/features.c")
#include "upstream/libbpf/src/features.c"

void libbpf_go_forget_missing(void)
{
	int i;

	for (i = 0; i < __FEAT_CNT; i++)
		if (READ_ONCE(feature_cache.res[i]) == FEAT_MISSING)
			WRITE_ONCE(feature_cache.res[i], FEAT_UNKNOWN);
}
#else
/* What it remembers is libbpf's secret. */
void libbpf_go_forget_missing(void)
{
}
#endif
