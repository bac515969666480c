#include "sources.h"
#include "hot.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/relo_core.c")
#include "upstream/libbpf/src/relo_core.c"
#endif
