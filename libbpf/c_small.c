/* The small files of libbpf: the compiler takes half as long for them together. Some versions lack some of them. */
#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/bpf_prog_linfo.c")
#include "upstream/libbpf/src/bpf_prog_linfo.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/elf.c")
#include "upstream/libbpf/src/elf.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/libbpf_errno.c")
#include "upstream/libbpf/src/libbpf_errno.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/libbpf_probes.c")
#include "upstream/libbpf/src/libbpf_probes.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/libbpf_utils.c")
#include "upstream/libbpf/src/libbpf_utils.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/netlink.c")
#include "upstream/libbpf/src/netlink.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/nlattr.c")
#include "upstream/libbpf/src/nlattr.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/str_error.c")
#include "upstream/libbpf/src/str_error.c"
#endif
#if LIBBPF_GO_HAS("upstream/libbpf/src/zip.c")
#include "upstream/libbpf/src/zip.c"
#endif
