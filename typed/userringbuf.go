package typed

import (
	"context"
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
)

// UserRingBuf sends Ts to programs, which take them with bpf_user_ringbuf_drain: a [libbpf.UserRingBuffer] whose
// samples are all of one type. Its methods are safe for concurrent use, as those of a libbpf.UserRingBuffer are.
//
//	sample, err := commands.Reserve()
//	...
//	defer sample.Discard() // does nothing once it is submitted
//	*sample.Value() = Command{PID: 7}
//	return sample.Submit()
type UserRingBuf[T any] struct {
	ring   *libbpf.UserRingBuffer
	layout layout
}

// NewUserRingBuf opens a map of type [libbpf.MapTypeUserRingBuf] (user_ring_buffer__new, Linux 6.1). The caller closes
// the ring, which works on when the map is closed. The error matches [libbpf.ErrInvalid] when the map is of another
// type.
func NewUserRingBuf[T any](m libbpf.MapCore) (*UserRingBuf[T], error) {
	records, err := openRecords[T](m, libbpf.MapTypeUserRingBuf)
	if err != nil {
		return nil, err
	}
	ring, err := libbpf.NewUserRingBuffer(m)
	if err != nil {
		return nil, err
	}
	return &UserRingBuf[T]{ring, records.layout}, nil
}

// Reserve takes room for a T, which is zero (user_ring_buffer__reserve). The error matches unix.ENOSPC when the ring is
// full for now, unix.E2BIG when it is too small for a T, and [libbpf.ErrClosed] after Close.
func (r *UserRingBuf[T]) Reserve() (UserRingSample[T], error) {
	return r.sample(r.ring.Reserve(int(r.layout.size)))
}

// ReserveContext is Reserve, and waits while the ring is full, until ctx is done: the error then matches unix.ENOSPC,
// and ctx's own with its cause. Close wakes it. No thread is blocked while it waits. A program that drains with
// BPF_RB_NO_WAKEUP does not wake it.
func (r *UserRingBuf[T]) ReserveContext(ctx context.Context) (UserRingSample[T], error) {
	return r.sample(r.ring.ReserveContext(ctx, int(r.layout.size)))
}

func (r *UserRingBuf[T]) sample(sample *libbpf.UserRingSample, err error) (UserRingSample[T], error) {
	if err != nil {
		return UserRingSample[T]{}, err
	}
	clear(sample.Bytes())
	return UserRingSample[T]{sample, &r.layout}, nil
}

// Close gives the ring up and wakes those who wait for room (user_ring_buffer__free). Samples that are reserved can
// still be filled, submitted and discarded. It is idempotent.
func (r *UserRingBuf[T]) Close() error { return r.ring.Close() }

// UserRingSample is room for a T in a [UserRingBuf]. Submit or discard it: programs do not see the samples behind it
// before that.
type UserRingSample[T any] struct {
	sample *libbpf.UserRingSample
	layout *layout
}

// Value returns the room to fill, in the memory that programs read. It is nil once the sample was submitted or
// discarded. Do not use the pointer after that: the memory is another sample's.
func (s UserRingSample[T]) Value() *T {
	b := s.sample.Bytes()
	if b == nil {
		return nil
	}
	return (*T)(unsafe.Pointer(unsafe.SliceData(b)))
}

// Submit gives the sample to programs, with its padding zeroed (user_ring_buffer__submit). The error matches
// [libbpf.ErrClosed] when it was submitted or discarded before.
func (s UserRingSample[T]) Submit() error {
	if b := s.sample.Bytes(); b != nil {
		s.layout.clean(b)
	}
	return s.sample.Submit()
}

// Discard gives the room back, so that no program sees the sample, unless it was submitted
// (user_ring_buffer__discard). It is idempotent.
func (s UserRingSample[T]) Discard() { s.sample.Discard() }
