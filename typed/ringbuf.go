package typed

import "github.com/libbpf-go/libbpf-go"

// AddRingBuf adds a map of type [libbpf.MapTypeRingBuf] (Linux 5.8) to a [libbpf.RingBuffer] that is being built, as
// the builder's Add does, with records that are Ts. The callback's record is its own.
//
// A record that is not as long as a T ends Poll or Consume with [libbpf.ErrInvalid], and counts as handled. An error of
// the callback ends them, too. The error of AddRingBuf is [libbpf.ErrInvalid] when the map is of another type or the
// callback is nil.
func AddRingBuf[T any](b *libbpf.RingBufferBuilder, m libbpf.MapCore, callback func(record T) error) error {
	r, err := openRecords[T](m, libbpf.MapTypeRingBuf)
	if err != nil {
		return err
	}
	if callback == nil {
		return b.Add(m, nil) // which says so
	}
	return b.Add(m, func(data []byte) error {
		if err := r.check(data); err != nil {
			return err
		}
		var record T
		r.copyTo(data, &record)
		return callback(record)
	})
}
