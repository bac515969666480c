#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/str_error.c")
#include "upstream/src/str_error.c"
#endif
