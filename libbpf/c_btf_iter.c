#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/btf_iter.c")
#include "upstream/src/btf_iter.c"
#endif
