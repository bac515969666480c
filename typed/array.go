package typed

import "github.com/libbpf-go/libbpf-go"

// Array is an array of Vs: a map of type [libbpf.MapTypeArray]. Keys are the indices, of type uint32. All elements
// exist at any time, and are zero at first.
type Array[V any] struct{ elements[uint32, V] }

// NewArray returns a typed view of a map of type [libbpf.MapTypeArray]. The error matches [libbpf.ErrInvalid] when the
// map is of another type, or its values are not as large as a V.
func NewArray[V any](m libbpf.MapCore) (*Array[V], error) {
	a := new(Array[V])
	return orNil(a, a.open(m, libbpf.MapTypeArray))
}
