#include "sources.h"
#if LIBBPF_GO_HAS("upstream/zlib/gzwrite.c")
#include <unistd.h>
#include "upstream/zlib/gzwrite.c"
#endif
