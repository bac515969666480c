#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/ringbuf.c")
#include "upstream/src/ringbuf.c"
#endif
