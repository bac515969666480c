// Package clib is the C library: it compiles the vendored libbpf, or links the system's if none is vendored. It also
// has what the packages above need and libbpf does not provide: its version, and the meaning of its error codes.
//
// Programs use package libbpf, one folder up, and not this one.
package clib

/*
// The build tag libbpf_debug keeps the C code readable for a debugger.
#cgo !libbpf_debug CFLAGS: -O1 -g0
#cgo libbpf_debug CFLAGS: -Og -g -DLIBBPF_GO_DEBUG
#cgo CFLAGS: -std=gnu11 -fvisibility=hidden -D_LARGEFILE64_SOURCE -D_FILE_OFFSET_BITS=64
#cgo CFLAGS: -Wno-unknown-warning-option -Wno-format-overflow -Wno-stringop-truncation
#cgo !libbpf_system CFLAGS: -I${SRCDIR}/upstream/libbpf/src -I${SRCDIR}/upstream/libbpf/include
#cgo !libbpf_system CFLAGS: -I${SRCDIR}/upstream/libbpf/include/uapi
#cgo !libbpf_system CFLAGS: -I${SRCDIR}/upstream/libelf -I${SRCDIR}/upstream/zlib -I${SRCDIR}/upstream/api
// The build tag libbpf_system uses the system's libbpf also where one is vendored.
#cgo libbpf_system CFLAGS: -DLIBBPF_GO_SYSTEM
// The two folders have a libbpf_go.a each. That of upstream/lib is empty, because the libraries are compiled here; that
// of system makes the linker use the system's. The first folder that is there decides.
#cgo !libbpf_system LDFLAGS: -L${SRCDIR}/upstream/lib
#cgo LDFLAGS: -L${SRCDIR}/system -lbpf_go

#include "vendor.h"
#include <bpf/libbpf.h>

static const char *vendored(void) { return libbpf_go_build; }

size_t libbpf_go_usdt_spec_size(void);  // in c_usdt.c
void libbpf_go_forget_missing(void);    // in c_features.c
void libbpf_go_forget_types(struct bpf_map *map); // in c_libbpf.c
struct bpf_object *libbpf_go_open_mem(const void *image, size_t size, const struct bpf_object_open_opts *opts);
*/
import "C"

import (
	"strings"
	"sync"
	"unsafe"
)

// VersionString is the version of the linked libbpf: "1.7.0" for the vendored one, "1.1" for the system's, which does
// not report its patch level.
var VersionString = sync.OnceValue(func() string {
	if v := C.GoString(C.vendored()); v != "" {
		return v
	}
	return strings.TrimPrefix(C.GoString(C.libbpf_version_string()), "v")
})

// Vendored reports whether libbpf was compiled from the vendored sources.
var Vendored = sync.OnceValue(func() bool { return C.GoString(C.vendored()) != "" })

// USDTSpecSize is the number of bytes that libbpf writes for each USDT probe to the map of probes, which the header
// usdt.bpf.h defines. It is rounded as in that map, and 0 if it is not known.
func USDTSpecSize() int { return (int(C.libbpf_go_usdt_spec_size()) + 7) &^ 7 }

// ForgetMissing makes the vendored libbpf probe again, when needed, each kernel feature that it found missing. libbpf
// probes a feature only once, and treats every failure as a missing feature.
func ForgetMissing() { C.libbpf_go_forget_missing() }

// ForgetTypes takes the types of keys and values away from a struct bpf_map that is not created yet. A system's libbpf
// has no way to do so.
func ForgetTypes(m unsafe.Pointer) { C.libbpf_go_forget_types((*C.struct_bpf_map)(m)) }

// OpenMemory is bpf_object__open_mem, for a struct bpf_object_open_opts, and does not keep the image. Without memory for
// the types in an object, libbpf opens it without them, and loads programs whose CO-RE relocations it has not done.
// OpenMemory returns ENOMEM then, if libbpf is vendored.
func OpenMemory(image []byte, opts unsafe.Pointer) (object unsafe.Pointer, errno error) {
	o, errno := C.libbpf_go_open_mem(unsafe.Pointer(unsafe.SliceData(image)), C.size_t(len(image)),
		(*C.struct_bpf_object_open_opts)(opts))
	return unsafe.Pointer(o), errno
}

func errorText(e Errno) string {
	var buf [128]C.char
	C.libbpf_strerror(C.int(e), &buf[0], C.size_t(len(buf)))
	return C.GoString(&buf[0])
}
