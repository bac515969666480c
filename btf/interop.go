package btf

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// UsePointer runs f with libbpf's struct btf. It stays valid until f returns. f must not change it. UsePointer returns
// f's error unchanged.
func (b *BTF) UsePointer(f func(types unsafe.Pointer) error) error {
	if err := b.acquire(); err != nil {
		return err
	}
	defer b.h.Drop()
	return f(unsafe.Pointer(b.c))
}

// Pointer is libbpf's struct btf, for C code in the same program that reads it. It is valid until Close frees it. After
// Close, Pointer returns nil.
func (b *BTF) Pointer() (types unsafe.Pointer) {
	_ = b.UsePointer(func(p unsafe.Pointer) error {
		types = p
		return nil
	})
	return types
}

// Release returns libbpf's struct btf, and gives ownership to C code, which frees it with btf__free. The Go value
// returns [ErrClosed] afterwards. The error is unix.EBUSY, and nothing changes, while operations are in progress, if
// the types of another BTF refer to it, or if it refers to another BTF, as a module's does.
func (b *BTF) Release() (unsafe.Pointer, error) {
	switch {
	case b == nil:
		return nil, ErrClosed
	case b.base != nil:
		return nil, fmt.Errorf("btf: release %s: the types refer to those of another BTF: %w", b.what, unix.EBUSY)
	}
	if err := b.h.CloseIdle(func() { b.frees = nil }); err != nil {
		return nil, fmt.Errorf("btf: release %s: %w", b.what, err)
	}
	return unsafe.Pointer(b.c), nil
}

// Adopt makes a BTF of a struct btf from C code, and takes ownership of it: Close frees it.
func Adopt(types unsafe.Pointer) (*BTF, error) { return ofC(types, "adopt") }

// Borrow makes a BTF of a struct btf that C code owns. C must not free it before Release or, if no operation is in
// progress, Close.
func Borrow(types unsafe.Pointer) (*BTF, error) {
	b, err := ofC(types, "borrow")
	if err != nil {
		return nil, err
	}
	b.frees = nil
	if b.base != nil {
		b.base.frees = nil
	}
	return b, nil
}

func ofC(types unsafe.Pointer, op string) (*BTF, error) {
	const what = "types of C's"
	if types == nil {
		return nil, fmt.Errorf("btf: %s %s: %w", op, what, fault.Invalidf("the pointer is nil"))
	}
	return newBTF(op, what, nil, func(*cInt) *cBTF { return (*cBTF)(types) })
}
