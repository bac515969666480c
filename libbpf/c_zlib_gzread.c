#include "sources.h"
#if LIBBPF_GO_HAS("upstream/zlib/gzread.c")
#include <unistd.h>
#include "upstream/zlib/gzread.c"
#endif
