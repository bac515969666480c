#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libelf/elf_getphdrnum.c")
#include "config.h"
#include "upstream/libelf/elf_getphdrnum.c"
#include "upstream/libelf/elf_getscn.c"
#include "upstream/libelf/elf_getshdrnum.c"
#include "upstream/libelf/elf_getshdrstrndx.c"
#include "upstream/libelf/elf_ndxscn.c"
#include "upstream/libelf/elf_newscn.c"
#include "upstream/libelf/elf_nextscn.c"
#include "upstream/libelf/elf_update.c"
#endif
