package libbpf

import "C"

import (
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// cArgs are arguments of one call into C.
type cArgs = cmem.Args[C.char]

// withString runs one of libbpf's functions that take a string and return an error code.
func withString(what, s string, f func(*C.char) C.int) error {
	var c cArgs
	defer c.Free()
	p := c.Of(what, s)
	if c.Err != nil {
		return c.Err
	}
	return clib.FromRet(int(f(p)))
}

// withOptional is withString where "" stands for NULL.
func withOptional(what, s string, f func(*C.char) C.int) error {
	if s == "" {
		return clib.FromRet(int(f(nil)))
	}
	return withString(what, s, f)
}

// cBytes is b for C, NULL where it is empty.
func cBytes(b []byte) *C.uchar {
	if len(b) == 0 {
		return nil
	}
	return (*C.uchar)(unsafe.Pointer(unsafe.SliceData(b)))
}
