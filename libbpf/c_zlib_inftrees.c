#include "sources.h"
#if LIBBPF_GO_HAS("upstream/zlib/inftrees.c")
#include <unistd.h>
#include "upstream/zlib/inftrees.c"
#endif
