#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libelf/eu-search.c")
#include "config.h"
#include "upstream/libelf/eu-search.c"
#endif
