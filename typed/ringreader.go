package typed

import (
	"context"
	"iter"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

// RingReader reads the records of a ring buffer in place, as Ts: a [libbpf.RingReader] whose records are all of one
// type. Its methods are safe for concurrent use, as those of a libbpf.RingReader are.
//
//	for event := range events.Records(ctx, &err) {
//		fmt.Println(event.PID)
//	}
//
// The pointer is valid until the body of the loop returns. Copy the record to keep it, or use Copies. The memory is the
// kernel's, and is read-only: a write to it is a fault that no program can recover from. If T has a bool, the record is
// a copy instead, because programs can write more than 0 and 1 to one; the next turn overwrites it.
type RingReader[T any] struct {
	reader  *libbpf.RingReader
	records records[T]
}

// NewRingReader maps a map of type [libbpf.MapTypeRingBuf] into memory (mmap, Linux 5.8). The caller closes the reader,
// which works on when the map is closed. The error matches [libbpf.ErrInvalid] when the map is of another type, and
// [errors.ErrUnsupported] when it has the flag [libbpf.CreateRingBufOverwrite].
func NewRingReader[T any](m libbpf.MapCore) (*RingReader[T], error) {
	records, err := openRecords[T](m, libbpf.MapTypeRingBuf)
	if err != nil {
		return nil, err
	}
	reader, err := libbpf.NewRingReader(m)
	if err != nil {
		return nil, err
	}
	return &RingReader[T]{reader, records}, nil
}

// Records iterates over the records, and waits for more when there are none, until ctx is done or the reader is closed.
// *err says why the loop ended: it is nil if the body left the loop; otherwise it matches the error of ctx and its
// cause, or [libbpf.ErrClosed], or unix.EBUSY if there is another loop, or unix.EBADMSG if the positions in the ring
// buffer are impossible, or [libbpf.ErrInvalid] if a record is not as long as a T. That record is consumed. err may be
// nil.
func (r *RingReader[T]) Records(ctx context.Context, err *error) iter.Seq[*T] {
	if err == nil {
		err = new(error)
	}
	return r.each(r.reader.Records(ctx, err), err)
}

// Copies is Records, with records that are the caller's own.
func (r *RingReader[T]) Copies(ctx context.Context, err *error) iter.Seq[T] {
	return func(yield func(T) bool) {
		for record := range r.Records(ctx, err) {
			if !yield(*record) {
				return
			}
		}
	}
}

// Pending iterates over the records that are there when it begins, without waiting for more. *err is nil if the loop
// came to their end or the body left it; otherwise it is as in Records.
func (r *RingReader[T]) Pending(err *error) iter.Seq[*T] {
	if err == nil {
		err = new(error)
	}
	return r.each(r.reader.Pending(err), err)
}

func (r *RingReader[T]) each(records iter.Seq[[]byte], err *error) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		var own *T
		for data := range records {
			if wrong := r.records.check(data); wrong != nil {
				*err = wrong
				return
			}
			if !yield(r.records.see(data, &own)) {
				return
			}
		}
	}
}

// Stats tells how full the ring is. The error matches [libbpf.ErrClosed] after Close.
func (r *RingReader[T]) Stats() (libbpf.RingStats, error) { return r.reader.Stats() }

// SetCoalesce makes loops wait for at least so long after they have handed over records: see
// [libbpf.RingReader.SetCoalesce].
func (r *RingReader[T]) SetCoalesce(least time.Duration) error { return r.reader.SetCoalesce(least) }

// SetPollInterval makes loops that wait look for records at least so often: see [libbpf.RingReader.SetPollInterval].
func (r *RingReader[T]) SetPollInterval(interval time.Duration) error {
	return r.reader.SetPollInterval(interval)
}

// Close gives the reader up and wakes a loop that waits. It is idempotent, and may be called from within a loop.
func (r *RingReader[T]) Close() error { return r.reader.Close() }
