#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/btf.c")
#include "upstream/libbpf/src/btf.c"
#endif
