#include "sources.h"
#include "hot.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/strset.c")
#include "upstream/libbpf/src/strset.c"
#endif
