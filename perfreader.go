package libbpf

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// PerfReader reads the records that programs write with bpf_perf_event_output, in place, with range over func: what
// [RingReader] is to ring buffers, this is to perf buffers. Records of one CPU arrive in order, those of different CPUs
// in none.
//
//	events, err := libbpf.NewPerfReader(m, libbpf.PerfReaderOptions{})
//	...
//	defer events.Close()
//	for cpu, record := range events.Records(ctx, &err) {
//		...
//	}
//	return err // why it ended
//
// The bytes of a record are valid until its turn of the loop ends; they are read-only memory of the kernel's, and
// writing to them is a fault that can't be recovered from. Whoever wants to keep them copies them, or uses
// [PerfReader.Copies]. Bytes that were kept by mistake change under the reader's eyes, also after Close, but never
// crash it. They end with up to seven bytes that the kernel added: see [PerfBufferBuilder].
//
// Records that were handed to the loop's body are consumed, no more and no less, however the loop ends: by break,
// return, a panic or an error.
//
// A record of 64 KiB or more damages what is in the buffer: see [PerfBuffer]. The loop then ends with an error that
// names the CPU, errors.Is(err, unix.EBADMSG), and the next loop goes on behind the damage.
//
// All methods are safe for concurrent use, Close included, from within a loop too. Only one loop at a time can run: a
// second one ends at once, with unix.EBUSY.
type PerfReader struct {
	p    *PerfBuffer
	told atomic.Uint64 // how many losses the kernel told of
}

// PerfReaderOptions are the options of a [PerfReader]. They mean what those of [PerfBufferBuilder] do.
type PerfReaderOptions struct {
	Pages        int    // the size of each CPU's buffer in pages of memory, a power of two; 0 is 64
	WakeupEvents uint32 // how many records wake a loop that waits; 0 is 1
	CPUs         []int  // those to open buffers on; nil is all that are online and have a key in the map
	MapKeys      []int  // the keys in the map for the CPUs, one each; nil is the CPUs' numbers

	// Attr opens an event of one's own on each CPU, not that of bpf_perf_event_output. A record is then an event
	// whole, as it is in the buffer: a header (struct perf_event_header) and what Attr asks for.
	Attr *unix.PerfEventAttr
}

// errLoopLeft ends the consumption when the body of a loop leaves it.
var errLoopLeft = errors.New("the loop was left")

// NewPerfReader opens a buffer on each CPU, for a map of type [MapTypePerfEventArray]
// (perf_buffer__new_raw, Linux 4.4). The caller owns the result, which has descriptors and mappings of its own.
func NewPerfReader(m MapCore, options PerfReaderOptions) (*PerfReader, error) {
	r := new(PerfReader)
	builder := PerfBufferBuilder{
		Pages: options.Pages, WakeupEvents: options.WakeupEvents,
		CPUs: options.CPUs, MapKeys: options.MapKeys, Attr: options.Attr,
	}
	hand := func(cpu int, record []byte) error {
		if !r.p.body(cpu, record) {
			return errLoopLeft
		}
		return nil
	}
	if options.Attr != nil {
		builder.Event = hand
	} else {
		builder.Sample = hand
		builder.Lost = func(_ int, count uint64) { r.told.Add(count) }
	}
	var err error
	if r.p, err = builder.Build(m); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *PerfReader) buffer() *PerfBuffer {
	if r == nil {
		return nil
	}
	return r.p
}

// Records iterates over the records, each with the CPU that wrote it, and waits for more when there is none, until ctx
// is done or the reader is closed. Why it ended is in *err, which is nil only after the loop was left by its body:
// ctx's error and its cause, or [ErrClosed]. Records that remain when ctx is done stay in the buffers for the next
// loop: see [RingReader.Records].
//
// No thread is blocked while it waits. With WakeupEvents above 1, fewer records than that do not wake it.
func (r *PerfReader) Records(ctx context.Context, err *error) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		if err == nil {
			err = new(error)
		}
		if ctx == nil {
			*err = r.buffer().drain().fail("read", fault.Invalidf("the context is nil"))
			return
		}
		r.iterate(ctx, err, yield)
	}
}

// Copies is [PerfReader.Records], with records that are the caller's own.
func (r *PerfReader) Copies(ctx context.Context, err *error) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		r.Records(ctx, err)(func(cpu int, record []byte) bool { return yield(cpu, bytes.Clone(record)) })
	}
}

// Pending iterates over the records that are there when it begins, without waiting for more. If the loop ended because
// of an error, that is in *err.
func (r *PerfReader) Pending(err *error) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) { r.iterate(nil, err, yield) }
}

// iterate is a loop; a nil ctx is one that does not wait.
func (r *PerfReader) iterate(ctx context.Context, err *error, body func(int, []byte) bool) {
	if err == nil {
		err = new(error)
	}
	d := r.buffer().drain()
	if *err = d.enter("read"); *err != nil {
		return
	}
	defer d.leave()
	r.p.body = body
	defer func() { r.p.body = nil }()
	var failed error
	if ctx == nil {
		_, failed = r.p.consume(context.Background(), everything)
	}
	for ctx != nil && failed == nil {
		_, failed = d.poll(ctx)
	}
	if failed != errLoopLeft {
		*err = failed
	}
}

// Lost is how many records the CPUs could not write since the reader was opened because their buffers were full, and
// one for each damaged place: nobody knows how many were there.
// Before Linux 6.0 these are only those of which the kernel has told, with a record that it could write later; with an
// Attr of one's own, there and without PERF_FORMAT_LOST, errors.Is(err, [errors.ErrUnsupported]).
func (r *PerfReader) Lost() (uint64, error) {
	lost, err := r.buffer().Lost()
	if errors.Is(err, errors.ErrUnsupported) && r.p.options.Attr == nil {
		return r.told.Load(), nil
	}
	return lost, err
}

// EpollFD is a descriptor that is readable when there are records, for a poller of one's own, or -1 after Close
// (perf_buffer__epoll_fd). It remains the PerfReader's.
func (r *PerfReader) EpollFD() int { return r.buffer().EpollFD() }

// Close frees the buffers and wakes a loop that waits (perf_buffer__free). It does not wait itself: a loop that is
// under way elsewhere may hand one more record to its body. It is idempotent.
func (r *PerfReader) Close() error { return r.buffer().Close() }
