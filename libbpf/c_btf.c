#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/btf.c")
#include "upstream/src/btf.c"
#endif
