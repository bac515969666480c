#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/gen_loader.c")
#include "upstream/libbpf/src/gen_loader.c"
#endif
