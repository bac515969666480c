#include "sources.h"
#if LIBBPF_GO_HAS("upstream/zlib/gzclose.c")
#include <unistd.h>
#include "upstream/zlib/gzclose.c"
#endif
