#include "sources.h"
#include "hot.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/btf.c")
#include "upstream/libbpf/src/btf.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/btf_iter.c")
#include "upstream/libbpf/src/btf_iter.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/btf_relocate.c")
#include "upstream/libbpf/src/btf_relocate.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/hashmap.c")
#include "upstream/libbpf/src/hashmap.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/strset.c")
#include "upstream/libbpf/src/strset.c"
#endif
