#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/libbpf_errno.c")
#include "upstream/libbpf/src/libbpf_errno.c"
#endif
