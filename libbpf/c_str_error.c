#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/str_error.c")
#include "upstream/libbpf/src/str_error.c"
#endif
