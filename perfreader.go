package libbpf

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/perf"
)

// PerfReader reads the records that programs write with bpf_perf_event_output in place, with range over func: it is to
// perf buffers what [RingReader] is to ring buffers. Records of one CPU come in order; records of different CPUs come
// in no particular order.
//
//	events, err := libbpf.NewPerfReader(m, libbpf.PerfReaderOptions{})
//	...
//	defer events.Close()
//	for cpu, record := range events.Records(ctx, &err) {
//		...
//	}
//	return err // why it ended
//
// The bytes of a record are valid until the body of the loop returns. Copy them to keep them, or use
// [PerfReader.Copies]. They are read-only memory of the kernel: a write to them is a fault that no program can recover
// from. Bytes that are kept by mistake may change at any time, but reading them does not crash, not even after Close.
// The last bytes, up to seven, are padding: the kernel fills up the record so that it ends at a multiple of eight
// bytes.
//
// A record is consumed when it is handed to the body of the loop, however the loop ends: by break, return, a panic or
// an error. All other records stay in the buffers.
//
// A record of 64 KiB or more damages what is in the buffer: see [PerfBuffer]. The loop then ends with an error that
// names the CPU and matches unix.EBADMSG, and the next loop goes on behind the damage.
//
// Programs on a CPU that came back, or that came online later, cannot write: see [PerfBuffer].
//
// All methods are safe for concurrent use. The body of a loop may call them too, also Close. Only one loop runs at a
// time: a second one ends at once, and its error matches unix.EBUSY.
type PerfReader struct {
	p    *PerfBuffer
	told atomic.Uint64 // how many losses the kernel told of
}

// PerfReaderOptions are the options of a [PerfReader].
type PerfReaderOptions struct {
	// Pages is the size of the buffer of each CPU in pages of memory, a power of two. 0 stands for 64.
	Pages int
	// WakeupEvents is how many records wake a loop that waits. 0 stands for 1. Fewer records stay in the buffer until
	// more come.
	WakeupEvents uint32
	// CPUs are the CPUs to open buffers for. nil stands for all that are online and have a key in the map. If one of
	// the CPUs is offline, the error of NewPerfReader matches unix.ENODEV.
	CPUs []int
	// MapKeys are the keys in the map for CPUs, one for each. nil stands for the numbers of the CPUs.
	MapKeys []int
	// Attr is the event to open on each CPU, in place of the one for bpf_perf_event_output: see
	// [PerfBufferBuilder.Attr]. A record is then a whole event, as it is in the buffer: a header
	// (struct perf_event_header), and behind it what Attr asks for.
	Attr *unix.PerfEventAttr
}

// NewPerfReader opens a buffer for each CPU and puts its event into the map, which is of type [MapTypePerfEventArray]
// (perf_buffer__new_raw, Linux 4.4). The caller closes the result. It has descriptors and mappings of its own, so it
// stays usable when the map is closed.
func NewPerfReader(m MapCore, options PerfReaderOptions) (*PerfReader, error) {
	r := new(PerfReader)
	builder := PerfBufferBuilder{
		Pages: options.Pages, WakeupEvents: options.WakeupEvents,
		CPUs: options.CPUs, MapKeys: options.MapKeys, Attr: options.Attr,
	}
	hand := func(cpu int, record []byte) error {
		if !r.p.receiver.Body(cpu, record) {
			return perf.ErrLeft
		}
		return nil
	}
	if options.Attr != nil {
		builder.Event = hand
	} else {
		builder.Sample = hand // which the body replaces
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

// Records iterates over the records, each with the CPU that wrote it, and waits for more when there are none. It ends
// when ctx is done, when the reader is closed, when a buffer is damaged or when the body leaves the loop. *err says
// why: it is nil if the body left the loop; otherwise it matches the error of ctx and its cause, or [ErrClosed], or
// unix.EBADMSG. err may be nil.
//
// Records that remain when ctx is done stay in the buffers for the next loop. How many records may come after ctx is
// done is the same as for [RingReader.Records].
//
// No thread is blocked while the loop waits. If WakeupEvents is above 1, fewer records than that do not wake it.
func (r *PerfReader) Records(ctx context.Context, err *error) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) { r.iterate(ctx, true, err, yield) }
}

// Copies is [PerfReader.Records] with copies of the records, which the caller may keep and change.
func (r *PerfReader) Copies(ctx context.Context, err *error) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		r.Records(ctx, err)(func(cpu int, record []byte) bool { return yield(cpu, bytes.Clone(record)) })
	}
}

// Pending iterates over the records that are there when it begins, and does not wait. *err is nil unless an error ended
// it: see [PerfReader.Records].
func (r *PerfReader) Pending(err *error) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) { r.iterate(context.Background(), false, err, yield) }
}

// iterate is every loop.
func (r *PerfReader) iterate(ctx context.Context, waits bool, err *error, body func(int, []byte) bool) {
	if err == nil {
		err = new(error)
	}
	d := r.buffer().drain()
	if ctx == nil {
		*err = d.fail("read", fault.Invalidf("the context is nil"))
		return
	}
	if *err = d.enter("read"); *err != nil {
		return
	}
	defer d.leave()
	r.p.receiver.Body = body
	defer func() { r.p.receiver.Body = nil }()
	var failed error
	if !waits {
		_, failed = r.p.consume(ctx, everything)
	}
	for waits && failed == nil {
		_, failed = d.poll(ctx)
	}
	if failed != perf.ErrLeft {
		*err = failed
	}
}

// Lost returns how many records the CPUs could not write since the reader was opened because their buffers were full. A
// damaged place counts as one record, because nobody knows how many there were.
//
// Before Linux 6.0 these are only the losses of which the kernel has told the loop, with a record that it wrote later.
// With an Attr, the error matches [errors.ErrUnsupported] there, and without PERF_FORMAT_LOST.
func (r *PerfReader) Lost() (uint64, error) {
	lost, err := r.buffer().Lost()
	if errors.Is(err, errors.ErrUnsupported) && r.p.options.Attr == nil {
		return r.told.Load(), nil
	}
	return lost, err
}

// EpollFD returns a descriptor that is readable when there are records, for a poller of the caller's own, or -1 after
// Close (perf_buffer__epoll_fd). It belongs to the PerfReader: do not close it.
func (r *PerfReader) EpollFD() int { return r.buffer().EpollFD() }

// Close frees the buffers and wakes a loop that waits (perf_buffer__free). It does not wait itself: a loop in another
// goroutine may hand over one more record. It is idempotent.
func (r *PerfReader) Close() error { return closing(r.String(), r.buffer().Close()) }

// String is "perf reader".
func (r *PerfReader) String() string { return "perf reader" }
