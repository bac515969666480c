#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libelf/elf32_getchdr.c")
#include "config.h"
#include "upstream/libelf/elf32_getchdr.c"
#include "upstream/libelf/elf32_getehdr.c"
#include "upstream/libelf/elf32_getphdr.c"
#include "upstream/libelf/elf32_getshdr.c"
#include "upstream/libelf/elf32_xlatetof.c"
#include "upstream/libelf/elf32_updatenull.c"
#include "upstream/libelf/elf32_updatefile.c"
#endif
