#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/elf.c")
#include "upstream/libbpf/src/elf.c"
#endif
