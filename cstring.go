package libbpf

/*
#include <stdlib.h>
*/
import "C"

import (
	"strings"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// cStrings makes C strings for the time of one call into libbpf; free releases them all.
type cStrings struct {
	err   error
	made  []*C.char
	lists []unsafe.Pointer
}

// of is a C copy of s. A NUL inside, which C would take for the end, is remembered in err. what names the string there.
func (c *cStrings) of(what, s string) *C.char {
	if err := checkCString(what, s); err != nil {
		c.err = err
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

// name is of for what must not be empty.
func (c *cStrings) name(what, s string) *C.char {
	if err := checkName(what, s); err != nil {
		c.err = err
	}
	return c.of(what, s)
}

// names is a C array of names, nil for none.
func (c *cStrings) names(what string, list []string) **C.char {
	if len(list) == 0 {
		return nil
	}
	array := C.malloc(C.size_t(len(list)) * C.size_t(unsafe.Sizeof((*C.char)(nil))))
	c.lists = append(c.lists, array)
	first := (**C.char)(array)
	elements := unsafe.Slice(first, len(list))
	for i, s := range list {
		elements[i] = c.name(what, s)
	}
	return first
}

func (c *cStrings) free() {
	for _, p := range c.made {
		C.free(unsafe.Pointer(p))
	}
	for _, p := range c.lists {
		C.free(p)
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

// checkCString refuses what C would cut off.
func checkCString(what, s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return fault.Invalidf("%s %q has a NUL in it", what, s)
	}
	return nil
}

// checkName is checkCString for what must not be empty.
func checkName(what, s string) error {
	if s == "" {
		return fault.Invalidf("%s is empty", what)
	}
	return checkCString(what, s)
}

// cBytes is b for C, NULL where it is empty.
func cBytes(b []byte) *C.uchar {
	if len(b) == 0 {
		return nil
	}
	return (*C.uchar)(unsafe.Pointer(unsafe.SliceData(b)))
}
