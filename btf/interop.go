package btf

/*
#include "btf_cgo.h"
*/
import "C"

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// UsePointer runs f with libbpf's struct btf, which nobody frees until f returns. f must not change it. f's error is returned
// as it is.
func (b *BTF) UsePointer(f func(types unsafe.Pointer) error) error {
	if err := b.acquire(); err != nil {
		return err
	}
	defer b.h.Drop()
	return f(unsafe.Pointer(b.c))
}

// Pointer is libbpf's struct btf, for C code in the same program that reads it, or nil after Close, which frees it.
func (b *BTF) Pointer() (types unsafe.Pointer) {
	_ = b.UsePointer(func(p unsafe.Pointer) error {
		types = p
		return nil
	})
	return types
}

// Release gives the type information to C, which frees it with btf__free from then on, and returns its struct btf. The Go
// value answers [ErrClosed] afterwards. It fails with unix.EBUSY, and changes nothing, while operations are under way, or
// another's types refer to it, or it refers to another's, as those of a module do.
func (b *BTF) Release() (unsafe.Pointer, error) {
	switch {
	case b == nil:
		return nil, ErrClosed
	case b.base != nil:
		return nil, fmt.Errorf("btf: release %s: they refer to other types: %w", b.what, unix.EBUSY)
	}
	if err := b.h.CloseIdle(func() { b.ofC = true }); err != nil {
		return nil, fmt.Errorf("btf: release %s: %w", b.what, err)
	}
	return unsafe.Pointer(b.c), nil
}

// Adopt makes a BTF of a struct btf that C code has. Close frees it.
func Adopt(types unsafe.Pointer) (*BTF, error) { return ofC(types, false) }

// Borrow is [Adopt] of type information that remains C's: C frees it, but not before Release or, if nothing of it is under
// way, Close.
func Borrow(types unsafe.Pointer) (*BTF, error) { return ofC(types, true) }

func ofC(types unsafe.Pointer, ofC bool) (*BTF, error) {
	const what = "types of C's"
	if types == nil {
		return nil, fmt.Errorf("btf: adopt %s: %w", what, fault.Invalidf("the pointer is nil"))
	}
	b, err := newBTF("adopt", what, nil, func(*C.int) *C.struct_btf { return (*C.struct_btf)(types) })
	if err != nil {
		return nil, err
	}
	b.ofC = ofC
	return b, nil
}
