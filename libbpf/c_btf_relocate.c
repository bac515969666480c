#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/btf_relocate.c")
#include "upstream/libbpf/src/btf_relocate.c"
#endif
