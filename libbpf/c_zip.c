#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/zip.c")
#include "upstream/libbpf/src/zip.c"
#endif
