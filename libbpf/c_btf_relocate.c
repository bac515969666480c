#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/btf_relocate.c")
#include "upstream/src/btf_relocate.c"
#endif
