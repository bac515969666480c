#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libelf/elf_begin.c")
#include "config.h"
#include "upstream/libelf/elf_begin.c"
#include "upstream/libelf/elf_end.c"
#include "upstream/libelf/elf_error.c"
#include "upstream/libelf/elf_fill.c"
#include "upstream/libelf/elf_kind.c"
#include "upstream/libelf/elf_memory.c"
#include "upstream/libelf/elf_version.c"
#endif
