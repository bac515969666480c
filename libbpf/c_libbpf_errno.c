#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/libbpf_errno.c")
#include "upstream/src/libbpf_errno.c"
#endif
