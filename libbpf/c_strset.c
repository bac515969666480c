#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/strset.c")
#include "upstream/src/strset.c"
#endif
