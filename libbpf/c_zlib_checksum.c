#include "sources.h"
#if LIBBPF_GO_HAS("upstream/zlib/adler32.c")
#include <unistd.h>
#include "upstream/zlib/adler32.c"
#include "upstream/zlib/crc32.c"
#include "upstream/zlib/zutil.c"
#endif
