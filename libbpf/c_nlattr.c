#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/nlattr.c")
#include "upstream/libbpf/src/nlattr.c"
#endif
