package libbpf

import "C"

import (
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// C's types, for files that pass them on and call no C.
type (
	cInt    = C.int
	cULong  = C.ulong
	cString = *C.char
)

// cArgs are arguments of one call into C.
type cArgs = cmem.Args[C.char]

// withString runs a libbpf function that takes a string and returns an error code.
func withString(what, s string, f func(*C.char) C.int) error {
	var c cArgs
	defer c.Free()
	p := c.Of(what, s)
	if c.Err != nil {
		return c.Err
	}
	return clib.FromRet(int(f(p)))
}

// withOptional is withString that passes NULL for "".
func withOptional(what, s string, f func(*C.char) C.int) error {
	if s == "" {
		return clib.FromRet(int(f(nil)))
	}
	return withString(what, s, f)
}

// cBytes returns b for C, or NULL when it is empty.
func cBytes(b []byte) *C.uchar {
	if len(b) == 0 {
		return nil
	}
	return (*C.uchar)(unsafe.Pointer(unsafe.SliceData(b)))
}
