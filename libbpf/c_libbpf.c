#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/libbpf.c")
#include "upstream/src/libbpf.c"
#endif
