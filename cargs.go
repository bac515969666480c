package libbpf

import (
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// cArgs are arguments of one call into C.
type cArgs = cmem.Args[cChar]

// withString runs a libbpf function that takes a string and returns an error code.
func withString(what, s string, f func(cString) cInt) error {
	var c cArgs
	defer c.Free()
	p := c.Of(what, s)
	if c.Err != nil {
		return c.Err
	}
	return clib.FromRet(int(f(p)))
}

// withOptional is withString that passes NULL for "".
func withOptional(what, s string, f func(cString) cInt) error {
	if s == "" {
		return clib.FromRet(int(f(nil)))
	}
	return withString(what, s, f)
}

// cBytes returns b for C, or NULL when it is empty.
func cBytes(b []byte) *cUchar {
	if len(b) == 0 {
		return nil
	}
	return (*cUchar)(unsafe.Pointer(unsafe.SliceData(b)))
}
