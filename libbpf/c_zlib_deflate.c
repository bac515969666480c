#include "sources.h"
#if LIBBPF_GO_HAS("upstream/zlib/deflate.c")
#include <unistd.h>
#include "upstream/zlib/deflate.c"
#include "upstream/zlib/trees.c"
#endif
