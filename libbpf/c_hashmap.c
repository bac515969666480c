#include "sources.h"
#include "hot.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/hashmap.c")
#include "upstream/libbpf/src/hashmap.c"
#endif
