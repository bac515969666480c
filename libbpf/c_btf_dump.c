#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/btf_dump.c")
#include "upstream/src/btf_dump.c"
#endif
