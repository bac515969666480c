#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/bpf.c")
#include "upstream/src/bpf.c"
#endif
