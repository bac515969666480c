#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libelf/elf_compress.c")
#include "config.h"
#include "upstream/libelf/elf_compress.c"
#include "upstream/libelf/elf_getdata.c"
#include "upstream/libelf/elf_newdata.c"
#include "upstream/libelf/elf_rawdata.c"
#include "upstream/libelf/elf_strptr.c"
#endif
