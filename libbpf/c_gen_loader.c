#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/gen_loader.c")
#include "upstream/src/gen_loader.c"
#endif
