/*
 * The gate: which libbpf is compiled against, decided the same way in every cgo package. Each of them includes this
 * file, and so do the c_*.c files of this folder, which compile the sources of libbpf, libelf and zlib.
 *
 * "make vendor" lays the sources down under upstream/ and writes the marker libbpf_vendored.h into each cgo package's
 * own folder: Go's build cache looks at nothing else, so the marker is what makes it notice a switch. A tree between
 * the two states must not pass for either; cmd/bpfgo-vendor has the order of the steps.
 */
#ifndef LIBBPF_GO_VENDOR_H
#define LIBBPF_GO_VENDOR_H

#if !defined(__linux__)
#error "libbpf-go works on Linux only: build there, or set GOOS=linux, and CC to a C compiler for Linux"
#endif
#if !defined(__has_include)
#error "libbpf-go needs a C compiler with __has_include (gcc 5, clang 3 or newer)"
#endif

/* In angle brackets: the folder of the package that is being compiled, not this file's. */
#if defined(LIBBPF_GO_SYSTEM) /* the build tag libbpf_system */
#elif __has_include("upstream/interrupted.h")
#error "libbpf is not vendored as a whole: run 'make vendor' again in libbpf-go"

#elif __has_include(<libbpf_vendored.h>) && __has_include("upstream/libbpf/src/libbpf.c")
#include <libbpf_vendored.h>
#define LIBBPF_GO_HAS(file) __has_include(file)

#elif __has_include("upstream/libbpf/src/libbpf.c")
#error "libbpf is vendored in part, or this package came later: run 'make vendor' again in libbpf-go"

#elif __has_include(<libbpf_vendored.h>)
#error "libbpf is vendored in part: run 'make vendor' again in libbpf-go, and 'go mod vendor' again if you use that"

#else
#define LIBBPF_GO_SYSTEM
#endif

#ifdef LIBBPF_GO_SYSTEM
#define LIBBPF_GO_BUILD libbpf_go_system
#define LIBBPF_GO_HAS(file) 0
#if __has_include(<bpf/libbpf_version.h>)
#include <bpf/libbpf_version.h>
#endif
#if !__has_include(<bpf/libbpf.h>)
#error "no libbpf: run 'go run -mod=readonly github.com/libbpf-go/libbpf-go/cmd/bpfgo-vendor' in your module (in a \
clone of libbpf-go: 'make vendor') to compile the pinned one, or install 1.1 or newer (Debian, Ubuntu: apt-get install \
libbpf-dev; Fedora: dnf install libbpf-devel; Alpine: apk add libbpf-dev)"
#elif !defined(LIBBPF_MAJOR_VERSION) || LIBBPF_MAJOR_VERSION == 0 ||                                                   \
	(LIBBPF_MAJOR_VERSION == 1 && LIBBPF_MINOR_VERSION == 0)
#error "this system's libbpf is older than 1.1: run 'go run -mod=readonly \
github.com/libbpf-go/libbpf-go/cmd/bpfgo-vendor' in your module (in a clone of libbpf-go: 'make vendor') to compile the \
pinned one, or install a newer one"
#endif
#endif

/*
 * A package that lost its marker comes out of Go's cache as it was compiled for the system's libbpf. The symbol is
 * named for what this package was compiled against and defined once, in vendor.c: a mixture does not link.
 */
#ifdef LIBBPF_GO_BUILD
extern const char LIBBPF_GO_BUILD[];
static const char *const libbpf_go_build __attribute__((used)) = LIBBPF_GO_BUILD;
#endif

#endif
