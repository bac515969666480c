#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/usdt.c")
#include "upstream/libbpf/src/usdt.c"

size_t libbpf_go_usdt_spec_size(void)
{
	return sizeof(struct usdt_spec);
}
#else
#include <stddef.h>
#include <bpf/libbpf.h>

/* It is libbpf's secret. Up to 1.6 it did not change; which later versions changed it again can't be known here. */
size_t libbpf_go_usdt_spec_size(void)
{
	return libbpf_major_version() == 1 && libbpf_minor_version() < 7 ? 208 : 0;
}
#endif
