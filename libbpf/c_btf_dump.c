#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/btf_dump.c")
#include "upstream/libbpf/src/btf_dump.c"
#endif
