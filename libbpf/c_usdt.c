#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/usdt.c")
#include "upstream/src/usdt.c"
#endif
