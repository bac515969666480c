#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/bpf.c")
#include "upstream/libbpf/src/bpf.c"
#endif
