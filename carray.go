package libbpf

import "C"

import (
	"runtime"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// cArrays lends Go's memory to C, for the time of one call into libbpf; free takes it back.
type cArrays struct {
	err error
	pin runtime.Pinner
}

// ulongs is a C array of unsigned long, nil for none. A number that does not fit, on a 32-bit machine, is remembered
// in err.
func (a *cArrays) ulongs(what string, numbers []uint64) *C.ulong {
	if len(numbers) == 0 {
		return nil
	}
	array := make([]C.ulong, len(numbers))
	for i, n := range numbers {
		array[i] = C.ulong(n)
		if uint64(array[i]) != n {
			a.err = fault.Invalidf("%s %#x has more bits than an address here", what, n)
		}
	}
	a.pin.Pin(&array[0])
	return &array[0]
}

// u64s is a C array of __u64, nil for none.
func (a *cArrays) u64s(numbers []uint64) unsafe.Pointer {
	if len(numbers) == 0 {
		return nil
	}
	a.pin.Pin(&numbers[0])
	return unsafe.Pointer(&numbers[0])
}

func (a *cArrays) free() { a.pin.Unpin() }
