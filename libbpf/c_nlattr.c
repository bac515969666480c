#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/nlattr.c")
#include "upstream/src/nlattr.c"
#endif
