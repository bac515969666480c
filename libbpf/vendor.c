#include "vendor.h"

/* The vendored version; empty where libbpf is the system's. */
#ifdef LIBBPF_GO_VENDORED
const char LIBBPF_GO_BUILD[] = LIBBPF_GO_VENDORED;
#else
const char LIBBPF_GO_BUILD[] = "";
#endif
