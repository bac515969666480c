#include "sources.h"
#if LIBBPF_GO_HAS("upstream/zlib/gzlib.c")
#include <unistd.h>
#include "upstream/zlib/gzlib.c"
#endif
