package ctypes

import "unsafe"

// Load and Store take the capacity away from what they slice: a slice can be extended up to that without a panic.

// Load returns a copy of the T at the beginning of b, which need not be aligned. T must have no pointers. It panics if b
// is shorter than a T.
func Load[T any](b []byte) T {
	var v T
	size := unsafe.Sizeof(v)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&v)), size), b[:len(b):len(b)][:size])
	return v
}

// Store copies v to the beginning of b, which need not be aligned. T must have no pointers. It panics if b is shorter
// than a T.
func Store[T any](b []byte, v T) {
	size := unsafe.Sizeof(v)
	copy(b[:len(b):len(b)][:size], unsafe.Slice((*byte)(unsafe.Pointer(&v)), size))
}

// Tail returns the elements from offset to the end of a record: what is in a flexible array member. Bytes that are not a
// whole element are left out, and a record that ends before offset has no elements. The result is the record's memory;
// but where that is not aligned for a T, it is a copy. T must have no pointers.
func Tail[T any](record []byte, offset int) []T {
	var v T
	size := int(unsafe.Sizeof(v))
	if size == 0 || len(record)-offset < size {
		return nil
	}
	record = record[offset:]
	n := len(record) / size
	first := unsafe.Pointer(unsafe.SliceData(record))
	if uintptr(first)%unsafe.Alignof(v) == 0 {
		return unsafe.Slice((*T)(first), n)
	}
	elems := make([]T, n)
	for i := range elems {
		elems[i] = Load[T](record[i*size:])
	}
	return elems
}
