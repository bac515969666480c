#include "vendor.h"
#if LIBBPF_GO_HAS("upstream/src/netlink.c")
#include "upstream/src/netlink.c"
#endif
