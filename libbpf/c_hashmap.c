#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/hashmap.c")
#include "upstream/src/hashmap.c"
#endif
