package typed

import (
	"context"
	"iter"

	"github.com/libbpf-go/libbpf-go"
)

// PerfReader reads the records that programs write with bpf_perf_event_output in place, as Ts: a [libbpf.PerfReader]
// whose records are all of one type. Its methods are safe for concurrent use, as those of a libbpf.PerfReader are.
//
//	for cpu, event := range events.Records(ctx, &err) {
//		fmt.Println(cpu, event.PID)
//	}
//
// The pointer is valid until the body of the loop returns. Copy the record to keep it, or use Copies. The memory is the
// kernel's, and is read-only: a write to it is a fault that no program can recover from.
//
// The kernel aligns records to 4 bytes. If T needs more, as with a field of 8 bytes, or has a bool, the record is a
// copy instead; the next turn overwrites it.
type PerfReader[T any] struct {
	reader  *libbpf.PerfReader
	records records[T]
}

// NewPerfReader opens a buffer on each CPU, for a map of type [libbpf.MapTypePerfEventArray]
// (perf_buffer__new_raw, Linux 4.4). The caller closes the reader, which works on when the map is closed. With an Attr
// in the options, a T is an event as a whole, with its header. The error matches [libbpf.ErrInvalid] when the map is of
// another type, or the options are wrong.
func NewPerfReader[T any](m libbpf.MapCore, options libbpf.PerfReaderOptions) (*PerfReader[T], error) {
	records, err := openRecords[T](m, libbpf.MapTypePerfEventArray)
	if err != nil {
		return nil, err
	}
	if options.Attr == nil {
		// The kernel fills a record up, so that it ends at a multiple of eight together with its size in front of it.
		const size = 4
		records.length = (size+records.length+7)&^7 - size
	}
	reader, err := libbpf.NewPerfReader(m, options)
	if err != nil {
		return nil, err
	}
	return &PerfReader[T]{reader, records}, nil
}

// Records iterates over the records, each with the number of the CPU that wrote it, and waits for more when there are
// none, until ctx is done or the reader is closed. *err says why the loop ended: it is nil if the body left the loop;
// otherwise it matches the error of ctx and its cause, or [libbpf.ErrClosed], or unix.EBUSY if there is another loop,
// or unix.EBADMSG if a buffer is damaged, or [libbpf.ErrInvalid] if a record is not as long as a T. That record is
// consumed. err may be nil.
//
// The kernel fills records up to a multiple of eight bytes, less four. So a length that differs from T's by less than
// eight bytes can go unnoticed.
func (r *PerfReader[T]) Records(ctx context.Context, err *error) iter.Seq2[int, *T] {
	if err == nil {
		err = new(error)
	}
	return r.each(r.reader.Records(ctx, err), err)
}

// Copies is Records, with records that are the caller's own.
func (r *PerfReader[T]) Copies(ctx context.Context, err *error) iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		for cpu, record := range r.Records(ctx, err) {
			if !yield(cpu, *record) {
				return
			}
		}
	}
}

// Pending iterates over the records that are there when it begins, without waiting for more. *err is nil if the loop
// came to their end or the body left it; otherwise it is as in Records.
func (r *PerfReader[T]) Pending(err *error) iter.Seq2[int, *T] {
	if err == nil {
		err = new(error)
	}
	return r.each(r.reader.Pending(err), err)
}

func (r *PerfReader[T]) each(records iter.Seq2[int, []byte], err *error) iter.Seq2[int, *T] {
	return func(yield func(int, *T) bool) {
		var own *T
		for cpu, data := range records {
			if wrong := r.records.check(data); wrong != nil {
				*err = wrong
				return
			}
			if !yield(cpu, r.records.see(data, &own)) {
				return
			}
		}
	}
}

// Lost returns how many records the CPUs could not write because their buffers were full: see [libbpf.PerfReader].
func (r *PerfReader[T]) Lost() (uint64, error) { return r.reader.Lost() }

// EpollFD returns a descriptor that is readable when there are records, or -1 after Close. It remains the reader's.
func (r *PerfReader[T]) EpollFD() int { return r.reader.EpollFD() }

// Close frees the buffers and wakes a loop that waits. It is idempotent, and may be called from within a loop.
func (r *PerfReader[T]) Close() error { return r.reader.Close() }
