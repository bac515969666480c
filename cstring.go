package libbpf

/*
#include <stdlib.h>
*/
import "C"

import (
	"strings"
	"unsafe"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// cStrings makes C strings for the time of one call into libbpf; free releases them all.
type cStrings struct {
	err  error
	made []*C.char
}

// of is a C copy of s. A NUL inside, which C would take for the end, is remembered in err. what names the string there.
func (c *cStrings) of(what, s string) *C.char {
	if strings.IndexByte(s, 0) >= 0 {
		c.err = invalidf("%s %q has a NUL in it", what, s)
	}
	p := C.CString(s)
	c.made = append(c.made, p)
	return p
}

// optional is nil for the empty string, which is how libbpf spells a default.
func (c *cStrings) optional(what, s string) *C.char {
	if s == "" {
		return nil
	}
	return c.of(what, s)
}

func (c *cStrings) free() {
	for _, p := range c.made {
		C.free(unsafe.Pointer(p))
	}
}

// withString runs one of libbpf's functions that take a string and return an error code.
func withString(what, s string, f func(*C.char) C.int) error {
	var c cStrings
	defer c.free()
	p := c.of(what, s)
	if c.err != nil {
		return c.err
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
