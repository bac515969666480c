#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/linker.c")
#include "upstream/src/linker.c"
#endif
