#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/linker.c")
#include "upstream/libbpf/src/linker.c"
#endif
