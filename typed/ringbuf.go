package typed

import (
	"context"
	"reflect"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

// RingBuf receives the records of a map of type [libbpf.MapTypeRingBuf] as Ts, through a callback: a
// [libbpf.RingBuffer] for one map and one type of records. For more maps, each with a type of its own, see
// [AddRingBuf].
type RingBuf[T any] struct {
	ring *libbpf.RingBuffer
	m    libbpf.MapCore
}

// NewRingBuf opens a ring buffer (ring_buffer__new, Linux 5.8). The caller closes it; it works on when the map is
// closed. The callback is as in AddRingBuf.
func NewRingBuf[T any](m libbpf.MapCore, callback func(record T) error) (*RingBuf[T], error) {
	var b libbpf.RingBufferBuilder
	if err := AddRingBuf(&b, m, callback); err != nil {
		return nil, err
	}
	ring, err := b.Build()
	if err != nil {
		return nil, err
	}
	return &RingBuf[T]{ring, m}, nil
}

// AddRingBuf adds a map of type [libbpf.MapTypeRingBuf] to those of a ring buffer, as [libbpf.RingBufferBuilder]'s Add
// does, with records that are Ts. A record that is not as long as a T ends Poll or Consume with [libbpf.ErrInvalid],
// and counts as handled. So does an error of the callback's.
func AddRingBuf[T any](b *libbpf.RingBufferBuilder, m libbpf.MapCore, callback func(record T) error) error {
	a, err := newAccess(m, libbpf.MapTypeRingBuf)
	if err != nil {
		return err
	}
	if callback == nil {
		return a.refuse("the callback is nil")
	}
	t := reflect.TypeFor[T]()
	l, err := layoutOf(t)
	if err != nil {
		return fail(m.Name(), err)
	}
	name := m.Name()
	return b.Add(m, func(data []byte) error {
		if uintptr(len(data)) != l.size {
			return fail(name, wrongRecord(len(data), t, l.size))
		}
		var record T
		copy(bytesOf(&record), data)
		l.mend(bytesOf(&record))
		return callback(record)
	})
}

func wrongRecord(found int, t reflect.Type, size uintptr) error {
	return invalidf("a record has %d bytes and must have %d, as a %s has", found, size, t)
}

func (r *RingBuf[T]) buffer() *libbpf.RingBuffer {
	if r == nil {
		return nil
	}
	return r.ring
}

// Map is the map behind it.
func (r *RingBuf[T]) Map() libbpf.MapCore {
	if r == nil || r.m == nil {
		return closed.mapCore()
	}
	return r.m
}

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (r *RingBuf[T]) Pin(path string) error { return r.Map().Pin(path) }

// Poll waits until there are records, for at most timeout or, if that is negative, for ever, and hands those to the
// callback that are there then. It returns how many that were: see [libbpf.RingBuffer].
func (r *RingBuf[T]) Poll(timeout time.Duration) (int, error) { return r.buffer().Poll(timeout) }

// PollContext is Poll until ctx is done, which is an error, ctx's own, if no record came.
func (r *RingBuf[T]) PollContext(ctx context.Context) (int, error) {
	return r.buffer().PollContext(ctx)
}

// Consume hands the records that are there when it begins to the callback, without waiting, and returns how many that
// were (ring_buffer__consume).
func (r *RingBuf[T]) Consume() (int, error) { return r.buffer().Consume() }

// EpollFD is a descriptor that is readable when there are records, or -1 after Close. It remains the RingBuf's.
func (r *RingBuf[T]) EpollFD() int { return r.buffer().EpollFD() }

// Close frees the buffer and wakes Poll (ring_buffer__free). It is idempotent, and may be called by the callback.
func (r *RingBuf[T]) Close() error { return r.buffer().Close() }
