#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libelf/elf64_getchdr.c")
#include "config.h"
#include "upstream/libelf/elf64_getchdr.c"
#include "upstream/libelf/elf64_getehdr.c"
#include "upstream/libelf/elf64_getphdr.c"
#include "upstream/libelf/elf64_getshdr.c"
#include "upstream/libelf/elf64_newehdr.c"
#include "upstream/libelf/elf64_xlatetof.c"
#include "upstream/libelf/elf64_updatenull.c"
#include "upstream/libelf/elf64_updatefile.c"
#endif
