#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/libbpf_utils.c")
#include "upstream/libbpf/src/libbpf_utils.c"
#endif
