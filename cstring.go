package libbpf

/*
#include <stdlib.h>
*/
import "C"

import (
	"strings"
	"unsafe"
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
