#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/libbpf_probes.c")
#include "upstream/libbpf/src/libbpf_probes.c"
#endif
