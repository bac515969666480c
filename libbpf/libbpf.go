// Package clib is the C library itself: it compiles the vendored libbpf, or links the system's where none is vendored,
// and knows the facts that packages above need and libbpf does not tell: which version that is, what its error codes mean.
//
// Programs use package libbpf, one folder up, and not this one.
package clib

/*
#cgo CFLAGS: -O2 -g -D_LARGEFILE64_SOURCE -D_FILE_OFFSET_BITS=64
#cgo CFLAGS: -Wno-unknown-warning-option -Wno-format-overflow -Wno-stringop-truncation
#cgo CFLAGS: -I${SRCDIR}/upstream/src -I${SRCDIR}/upstream/include -I${SRCDIR}/upstream/include/uapi
#cgo CFLAGS: -I${SRCDIR}/upstream/api
// Where libbpf is vendored, upstream/lib holds an empty libbpf.a, and -lbpf adds nothing to what was compiled.
#cgo LDFLAGS: -L${SRCDIR}/upstream/lib -lbpf -lelf -lz

#include "vendor.h"
#include <bpf/libbpf.h>

static const char *vendored(void) { return libbpf_go_build; }

size_t libbpf_go_usdt_spec_size(void);  // in c_usdt.c
void libbpf_go_forget_missing(void);    // in c_features.c
*/
import "C"

import (
	"strings"
	"sync"
)

// VersionString is the version of the libbpf that is linked: "1.7.0" where it is vendored, "1.1" where it is the
// system's, of which libbpf tells no patch level.
var VersionString = sync.OnceValue(func() string {
	if v := C.GoString(C.vendored()); v != "" {
		return v
	}
	return strings.TrimPrefix(C.GoString(C.libbpf_version_string()), "v")
})

// Vendored reports whether libbpf was compiled from the vendored sources.
var Vendored = sync.OnceValue(func() bool { return C.GoString(C.vendored()) != "" })

// USDTSpecSize is how many bytes libbpf writes for each USDT probe into the map of probes that the header usdt.bpf.h
// defines, as that map rounds them; 0 where that is not known.
func USDTSpecSize() int { return (int(C.libbpf_go_usdt_spec_size()) + 7) &^ 7 }

// ForgetMissing makes the vendored libbpf ask the kernel again for each feature that it found missing, when it needs to
// know. libbpf tries a feature once, and takes every failure for an answer.
func ForgetMissing() { C.libbpf_go_forget_missing() }
