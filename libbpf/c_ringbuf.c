#include "sources.h"
#include "hot.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/ringbuf.c")
#include "upstream/libbpf/src/ringbuf.c"
#endif
