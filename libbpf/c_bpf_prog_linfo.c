#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/bpf_prog_linfo.c")
#include "upstream/libbpf/src/bpf_prog_linfo.c"
#endif
