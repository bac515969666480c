#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/netlink.c")
#include "upstream/libbpf/src/netlink.c"
#endif
