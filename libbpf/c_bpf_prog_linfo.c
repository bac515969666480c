#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/bpf_prog_linfo.c")
#include "upstream/src/bpf_prog_linfo.c"
#endif
