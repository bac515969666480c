/*
 * Included first by each c_*.c file: these compile the sources of libbpf, libelf and zlib.
 *
 * Other code in the program may use a libelf or zlib of its own, and so may the host of a shared library that is
 * written in Go. Therefore all names of these three are hidden: they are known only inside the binary or the shared
 * library. The names of libelf and zlib also have a prefix, so that they never answer for those of another version.
 */
#ifndef LIBBPF_GO_SOURCES_H
#define LIBBPF_GO_SOURCES_H

#include "vendor.h"

#ifdef LIBBPF_GO_VENDORED
#define LIBBPF_API
#define Z_PREFIX
#define NO_GZCOMPRESS /* libbpf reads the kernel's configuration, and writes nothing compressed */
#include "libelf_names.h"
#endif

#endif
