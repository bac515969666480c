#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/btf_iter.c")
#include "upstream/libbpf/src/btf_iter.c"
#endif
