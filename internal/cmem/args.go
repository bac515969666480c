// Package cmem lends Go's strings and numbers to C, for the time of one call.
package cmem

import (
	"runtime"
	"strings"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Args are arguments of one call into C. Char is the C.char of the package that makes the call: each package has a
// C.char of its own. The zero value is ready to use. Free must follow the call: the garbage collector does not move or
// free what C uses until then.
type Args[Char any] struct {
	Err  error // of the last argument that C can't have
	lent runtime.Pinner
}

// Free takes back what was lent.
func (a *Args[Char]) Free() { a.lent.Unpin() }

// Of lends a copy of s that ends in a NUL. If s has a NUL in it, which would end the string in C, that is in Err. what
// names the string there.
func (a *Args[Char]) Of(what, s string) *Char {
	if err := CheckString(what, s); err != nil {
		a.Err = err
	}
	return (*Char)(unsafe.Pointer(Lend(a, append([]byte(s), 0))))
}

// Optional is Of, but NULL for the empty string: libbpf takes NULL for a default.
func (a *Args[Char]) Optional(what, s string) *Char {
	if s == "" {
		return nil
	}
	return a.Of(what, s)
}

// Name is Of for a string that must not be empty.
func (a *Args[Char]) Name(what, s string) *Char {
	if err := CheckName(what, s); err != nil {
		a.Err = err
	}
	return a.Of(what, s)
}

// Names lends an array of names, NULL for none.
func (a *Args[Char]) Names(what string, list []string) **Char {
	if len(list) == 0 {
		return nil
	}
	array := make([]*Char, len(list))
	for i, s := range list {
		array[i] = a.Name(what, s)
	}
	return Lend(a, array)
}

// Array lends numbers as an array of an unsigned type, NULL for none. If one does not fit the type, as on a machine of
// 32 bits, that is in Err. what names the number there.
func Array[To ~uint32 | ~uint64, Char any](a *Args[Char], what string, numbers []uint64) *To {
	if len(numbers) == 0 {
		return nil
	}
	array := make([]To, len(numbers))
	for i, number := range numbers {
		array[i] = To(number)
		if uint64(array[i]) != number {
			a.Err = fault.Invalidf("%s %#x has more bits than the machine's addresses", what, number)
		}
	}
	return Lend(a, array)
}

// Lend lends a slice to C. The slice has elements, and all pointers in them point to what is lent already.
func Lend[T, Char any](a *Args[Char], elements []T) *T {
	first := &elements[0]
	a.lent.Pin(first)
	return first
}

// CheckString refuses a string with a NUL in it.
func CheckString(what, s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return fault.Invalidf("%s %q has a NUL in it", what, s)
	}
	return nil
}

// CheckName is CheckString for a string that must not be empty.
func CheckName(what, s string) error {
	if s == "" {
		return fault.Invalidf("%s is empty", what)
	}
	return CheckString(what, s)
}
