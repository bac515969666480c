//go:build linux && cgo && !asan && !msan && (amd64 || arm64 || s390x)

package cmalloc

/*
#cgo libbpf_system CFLAGS: -DLIBBPF_GO_SYSTEM
#include "../../../libbpf/vendor.h"
#include "heap_cgo.h"
*/
import "C"

import (
	"unsafe"

	_ "github.com/libbpf-go/libbpf-go/libbpf" // what vendor.h refers to
)

var supported = C.cmalloc_start() != 0

func overflowed() bool { return C.cmalloc_overflowed() != 0 }

func serial() uint64 { return uint64(C.cmalloc_serial()) }

func since(mark uint64) []Allocation {
	made := make([]C.struct_cmalloc_made, 64)
	for {
		n := int(C.cmalloc_since(C.ulong(mark), &made[0], C.size_t(len(made))))
		if n <= len(made) {
			made = made[:n]
			break
		}
		made = make([]C.struct_cmalloc_made, 2*n)
	}
	all := make([]Allocation, 0, len(made))
	for _, m := range made {
		a := Allocation{Size: int(m.size), serial: uint64(m.serial)}
		a.from = addresses(&m.from[0])
		all = append(all, a)
	}
	return all
}

// addresses returns a maker's return addresses.
func addresses(from *unsafe.Pointer) []uintptr {
	var all []uintptr
	for _, address := range unsafe.Slice(from, C.CMALLOC_FRAMES) {
		if address == nil {
			break
		}
		all = append(all, uintptr(address))
	}
	return all
}

func chosen() []uintptr { return addresses(C.cmalloc_chosen()) }

func choose(n int, fail bool) {
	failing := C.int(0)
	if fail {
		failing = 1
	}
	C.cmalloc_choose(C.size_t(n), failing)
}

func counted() int { return int(C.cmalloc_counted()) }

// describe returns the symbol and the library of a code address, or its offset in this program.
func describe(address uintptr) (symbol, library string, offset uint64) {
	var name *C.char
	var size C.size_t
	s := C.cmalloc_name(unsafe.Add(nil, address), &name, &size)
	return C.GoString(s), C.GoString(name), uint64(size)
}
