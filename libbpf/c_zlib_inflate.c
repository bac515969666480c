#include "sources.h"
#if LIBBPF_GO_HAS("upstream/zlib/inflate.c")
#include <unistd.h>
#include "upstream/zlib/inflate.c"
#endif
