// Package cuser does with libbpf what its users in C do: it opens, loads, attaches, reads and closes. The tests let
// calls and allocations fail in it, and compare what becomes of that with what becomes of it in Go.
package cuser

/*
#cgo !libbpf_system CFLAGS: -I${SRCDIR}/../../../libbpf/upstream/api
#cgo libbpf_system CFLAGS: -DLIBBPF_GO_SYSTEM
#include "../../../libbpf/vendor.h"
#include "cuser_cgo.h"

static int cuser_run(cuser_cycle *cycle, const struct cuser_given *given) { return cycle(given); }
*/
import "C"

import (
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	_ "github.com/libbpf-go/libbpf-go/libbpf" // what vendor.h refers to
)

// Given is what a cycle works with. Each uses some of it.
type Given struct {
	Image                 []byte // of an object
	Path, Other           string // of files
	Folder                string // for pins
	Names                 []string
	Program, Map          unsafe.Pointer // libbpf's
	ProgFD, MapFD, LinkFD int
	FD                    int
	Offset                uint64 // of a function's code in this program's file
	IfIndex               int
	Ask                   int // getpgid(2) of it makes programs write records
}

// Cycle returns the cycle of a name, or nil if there is none in C. A cycle returns 0 or an errno.
func Cycle(name string) func(Given) unix.Errno {
	text := append([]byte(name), 0)
	cycle := C.cuser_find((*C.char)(unsafe.Pointer(&text[0])))
	if cycle == nil {
		return nil
	}
	return func(given Given) unix.Errno {
		var lent runtime.Pinner
		defer lent.Unpin()
		bytes := func(content []byte) unsafe.Pointer {
			lent.Pin(unsafe.SliceData(content))
			return unsafe.Pointer(unsafe.SliceData(content))
		}
		text := func(s string) *C.char { return (*C.char)(bytes(append([]byte(s), 0))) }
		c := C.struct_cuser_given{
			image: bytes(given.Image), size: C.size_t(len(given.Image)),
			path: text(given.Path), other: text(given.Other), folder: text(given.Folder),
			names: text(strings.Join(given.Names, "\x00") + "\x00"),
			prog:  (*C.struct_bpf_program)(given.Program), _map: (*C.struct_bpf_map)(given.Map),
			prog_fd: C.int(given.ProgFD), map_fd: C.int(given.MapFD), link_fd: C.int(given.LinkFD), fd: C.int(given.FD),
			ifindex: C.int(given.IfIndex), offset: C.ulong(given.Offset), ask: C.int(given.Ask),
		}
		return unix.Errno(-C.cuser_run(cycle, &c))
	}
}
