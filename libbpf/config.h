/* What configure finds out for libelf, for each C library and compiler. */
#ifndef LIBBPF_GO_CONFIG_H
#define LIBBPF_GO_CONFIG_H

#define _GNU_SOURCE 1
#include <limits.h> /* defines __GLIBC__ */

#define HAVE_CONFIG_H 1
#define HAVE_DECL_MEMPCPY 1
#define HAVE_DECL_MEMRCHR 1
#define HAVE_DECL_POWEROF2 1
#define HAVE_DECL_REALLOCARRAY 1
#define HAVE_ERR_H 1
#define HAVE_FALLTHROUGH 1
#define HAVE_MREMAP 1
#define HAVE_VISIBILITY 1
#ifdef __GLIBC__
#define HAVE_DECL_RAWMEMCHR 1
#define HAVE_ERROR_H 1
#else
#define HAVE_DECL_RAWMEMCHR 0
#endif
#if !defined(__clang__) && (defined(__i386__) || defined(__x86_64__))
#define HAVE_GCC_STRUCT 1
#endif
#define SIZEOF_LONG __SIZEOF_LONG__

#include <eu-config.h>

/* As eu-config.h has it, but with the names of libelf_names.h. */
#undef strong_alias
#define strong_alias(name, alias_name) LIBBPF_GO_ALIAS(name, alias_name)
#define LIBBPF_GO_ALIAS(name, alias_name) extern __typeof__(name) alias_name __attribute__((alias(#name)));

#endif
