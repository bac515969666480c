#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/libbpf_utils.c")
#include "upstream/src/libbpf_utils.c"
#endif
