#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/ringbuf.c")
#include "upstream/libbpf/src/ringbuf.c"
#endif
