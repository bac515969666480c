#include "sources.h"
#if LIBBPF_GO_HAS("upstream/zlib/inffast.c")
#include <unistd.h>
#include "upstream/zlib/inffast.c"
#endif
