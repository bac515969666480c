#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/features.c")
#include "upstream/src/features.c"
#endif
