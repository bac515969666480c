package typed

import (
	"context"
	"iter"
	"reflect"
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
)

// RingReader reads the records of a map of type [libbpf.MapTypeRingBuf] in place, as Ts: a [libbpf.RingReader] for one
// type of records, with all that is said there.
//
//	for event := range events.Records(ctx, &err) {
//		fmt.Println(event.PID)
//	}
//
// What the loop's body gets points into read-only memory of the kernel's, and is valid until its turn ends. Who wants
// to keep it copies it: kept := *event. Only a T with a bool in it is a copy already, since programs may write more
// into one than Go's can hold; each turn overwrites it.
type RingReader[T any] struct {
	reader *libbpf.RingReader
	m      libbpf.MapCore
	layout layout
}

// NewRingReader maps a ring buffer into memory (mmap, Linux 5.8). The caller closes it; it works on when the map is
// closed.
func NewRingReader[T any](m libbpf.MapCore) (*RingReader[T], error) {
	a, err := newAccess(m, libbpf.MapTypeRingBuf)
	if err != nil {
		return nil, err
	}
	l, err := layoutOf(reflect.TypeFor[T]())
	if err != nil {
		return nil, fail(m.Name(), err)
	}
	reader, err := libbpf.NewRingReader(a.mapCore())
	if err != nil {
		return nil, err
	}
	return &RingReader[T]{reader, m, l}, nil
}

func (r *RingReader[T]) bytes() *libbpf.RingReader {
	if r == nil {
		return nil
	}
	return r.reader
}

// Map is the map behind it.
func (r *RingReader[T]) Map() libbpf.MapCore {
	if r == nil || r.m == nil {
		return closed.mapCore()
	}
	return r.m
}

// Records iterates over the records, and waits for more when there is none, until ctx is done or the reader is
// closed. Why it ended is in *err, which is nil only after the loop was left by its body. A record that is not as long
// as a T ends the loop with [libbpf.ErrInvalid], and counts as handled.
func (r *RingReader[T]) Records(ctx context.Context, err *error) iter.Seq[*T] {
	if err == nil {
		err = new(error)
	}
	return r.each(r.bytes().Records(ctx, err), err)
}

// Pending iterates over the records that are there when it begins, without waiting for more. If the loop ended because
// of an error, that is in *err.
func (r *RingReader[T]) Pending(err *error) iter.Seq[*T] {
	if err == nil {
		err = new(error)
	}
	return r.each(r.bytes().Pending(err), err)
}

func (r *RingReader[T]) each(records iter.Seq[[]byte], err *error) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		var mended *T
		for data := range records {
			if uintptr(len(data)) != r.layout.size {
				*err = fail(r.Map().Name(), wrongRecord(len(data), reflect.TypeFor[T](), r.layout.size))
				return
			}
			// Records begin at multiples of eight, and no T wants more.
			record := (*T)(unsafe.Pointer(unsafe.SliceData(data)))
			if len(r.layout.bools) > 0 {
				if mended == nil {
					mended = new(T)
				}
				copy(bytesOf(mended), data)
				r.layout.mend(bytesOf(mended))
				record = mended
			}
			if !yield(record) {
				return
			}
		}
	}
}

// Stats tells how full the ring is.
func (r *RingReader[T]) Stats() (libbpf.RingStats, error) { return r.bytes().Stats() }

// Close gives the reader up and wakes a loop that waits. It is idempotent, and may be called from within a loop.
func (r *RingReader[T]) Close() error { return r.bytes().Close() }
