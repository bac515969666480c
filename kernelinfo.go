package libbpf

/*
#include <bpf/bpf.h>

static int lbg_info(int fd, void *info, __u32 size)
{
	return bpf_obj_get_info_by_fd(fd, info, &size);
}
*/
import "C"

import (
	"runtime"
	"slices"
	"unsafe"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// kernelInfo asks the kernel for what it knows of a descriptor. T is laid out as the kernel's struct, and as this package
// knows it, whatever the headers at hand do: an older kernel leaves what it does not know as it was, zero, and refuses
// anything else there with E2BIG. In and out are one struct: pointers and lengths of buffers go in, lengths come out.
func kernelInfo[T any](fd int, info *T) error {
	return clib.FromRet(int(C.lbg_info(C.int(fd), unsafe.Pointer(info), C.__u32(unsafe.Sizeof(*info)))))
}

// infoBuffers are what the kernel writes arrays and strings to that do not fit its info structs, which have their
// addresses as numbers.
type infoBuffers struct{ pinner runtime.Pinner }

func (b *infoBuffers) free() { b.pinner.Unpin() }

// infoBuffer is an array of n elements, and its address; nil and 0 for none. The array stays where it is until the
// buffers are freed.
func infoBuffer[T any](b *infoBuffers, n int) ([]T, uint64) {
	if n <= 0 {
		return nil, 0
	}
	array := make([]T, n)
	b.pinner.Pin(&array[0])
	return array, uint64(uintptr(unsafe.Pointer(&array[0])))
}

// cText is the string that ends at a NUL, or at the end of b.
func cText(b []byte) string {
	if i := slices.Index(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
