package typed

import (
	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// NewRingSource returns an element of [libbpf.RingBufferBuilder.Sources]: a map of type [libbpf.MapTypeRingBuf]
// (Linux 5.8), with a callback that receives its records as Ts. The record of the callback is its own.
//
// If a record is not as long as a T, Poll or Consume stops, and the error matches [libbpf.ErrInvalid]; the record
// counts as received. An error of the callback stops them, too. The error of NewRingSource matches [libbpf.ErrInvalid]
// if the map is of another type or the callback is nil.
func NewRingSource[T any](m libbpf.MapCore, callback func(record T) error) (libbpf.RingSource, error) {
	r, err := openRecords[T](m, libbpf.MapTypeRingBuf)
	if err != nil {
		return libbpf.RingSource{}, err
	}
	if callback == nil {
		return libbpf.RingSource{}, fail(r.name, fault.Invalidf("the callback is nil"))
	}
	return libbpf.RingSource{Map: m, Callback: func(data []byte) error {
		if err := r.check(data); err != nil {
			return err
		}
		var record T
		r.copyTo(data, &record)
		return callback(record)
	}}, nil
}
