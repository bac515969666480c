package libbpf

import (
	"runtime"
	"slices"
	"unsafe"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// kernelInfo asks the kernel for its info of a descriptor. T has the layout of the kernel's struct as this package
// knows it, which does not depend on the installed headers. An older kernel leaves fields that it does not know at
// zero, and returns E2BIG if they are not zero. The struct is both input and output: pointers and lengths of buffers go
// in, lengths come out.
func kernelInfo[T any](fd int, info *T) error {
	return clib.FromRet(int(objInfo(fd, unsafe.Pointer(info), unsafe.Sizeof(*info))))
}

// infoBuffers are buffers for arrays and strings that the kernel writes. Its info structs have their addresses as
// integers.
type infoBuffers struct{ pinner runtime.Pinner }

func (b *infoBuffers) free() { b.pinner.Unpin() }

// infoBuffer returns an array of n elements, and its address; nil and 0 for none. The array does not move until the
// buffers are freed.
func infoBuffer[T any](b *infoBuffers, n int) ([]T, uint64) {
	if n <= 0 {
		return nil, 0
	}
	array := make([]T, n)
	b.pinner.Pin(&array[0])
	return array, uint64(uintptr(unsafe.Pointer(&array[0])))
}

// cText returns the string that ends at a NUL, or at the end of b.
func cText(b []byte) string {
	if i := slices.Index(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
