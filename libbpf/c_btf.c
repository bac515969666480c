#include "sources.h"
#include "hot.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/btf.c")
#include "upstream/libbpf/src/btf.c"
#endif
