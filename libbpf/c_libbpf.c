#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/libbpf.c")
#include "upstream/libbpf/src/libbpf.c"
#endif
