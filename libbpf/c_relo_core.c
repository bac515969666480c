#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/relo_core.c")
#include "upstream/src/relo_core.c"
#endif
