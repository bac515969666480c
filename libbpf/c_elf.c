#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/elf.c")
#include "upstream/src/elf.c"
#endif
