#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/libbpf_probes.c")
#include "upstream/src/libbpf_probes.c"
#endif
