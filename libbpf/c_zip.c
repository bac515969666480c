#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/zip.c")
#include "upstream/src/zip.c"
#endif
