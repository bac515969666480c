package libbpf

import (
	"context"
	"fmt"
	"runtime/cgo"
	"runtime/debug"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/ring"
	"github.com/libbpf-go/libbpf-go/internal/wait"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// RingBufferBuilder holds the settings of a [RingBuffer].
type RingBufferBuilder struct {
	// Sources are the ring buffer maps to receive from, with their callbacks. There must be one at least.
	Sources []RingSource
}

// RingSource is one ring buffer map of a [RingBuffer], and the callback for its records.
type RingSource struct {
	// Map is a map of type [MapTypeRingBuf].
	Map MapCore
	// Callback receives each record. The bytes are valid until it returns. If it returns an error, Poll or Consume
	// stops and returns that error. The record counts as received, and those behind it come with the next call.
	//
	// The callbacks of one RingBuffer never run at the same time. If one calls Poll, PollContext, Consume or ConsumeN,
	// the error matches unix.EBUSY.
	Callback func(record []byte) error
}

// Build opens the ring buffers (ring_buffer__new, ring_buffer__add, Linux 5.8).
//
// The caller closes the result. It has descriptors and mappings of its own, so it stays usable when the maps or their
// object are closed. No other reader of the same maps may consume at the same time: a record would reach one reader or
// both. If a map has [CreateRingBufOverwrite], the error matches [errors.ErrUnsupported].
func (b RingBufferBuilder) Build() (*RingBuffer, error) {
	const op, what = "open", "ring buffer"
	if len(b.Sources) == 0 {
		return nil, &Error{Op: op, Object: what, Err: fault.Invalidf("Sources is empty")}
	}
	r := &RingBuffer{batch: make([]byte, ringBatch)}
	var fds []cInt
	closeFDs := func() {
		for _, fd := range fds {
			_ = unix.Close(int(fd))
		}
	}
	var sizes []uintptr
	for _, source := range b.Sources {
		fd, size, err := source.open()
		if err != nil {
			closeFDs()
			return nil, err
		}
		fds, sizes = append(fds, cInt(fd)), append(sizes, size)
		r.callbacks = append(r.callbacks, source.Callback)
	}
	r.handle = cgo.NewHandle(r)
	err := call(op, what, func() error {
		var ret cInt
		r.rings, ret = newRings(fds, r.handle)
		return clib.FromRet(int(ret))
	})
	if err != nil {
		r.handle.Delete()
		closeFDs()
		return nil, err
	}
	release := func() {
		closeRings(r.rings)
		r.handle.Delete()
		r.unmap()
		closeFDs()
	}
	for i, size := range sizes {
		mapped, err := mapRing(int(fds[i]), size)
		if err != nil {
			release()
			return nil, &Error{Op: op, Object: what, Err: err}
		}
		r.mapped = append(r.mapped, mapped)
		consumer, producer := mapped.PositionAddresses()
		setRingMemory(r.rings, i, consumer, producer, size)
	}
	r.rb, r.d.source = r.rings.rb, r
	if err := r.d.start(what, ringsEpollFD(r.rb), release); err != nil {
		return nil, err
	}
	return r, nil
}

// open checks a source, and returns a descriptor of its map, which the caller closes, and the size of its data.
func (s RingSource) open() (fd int, size uintptr, err error) {
	const op = "open ring buffer of"
	c, err := ringOf(op, s.Map)
	if err != nil {
		return -1, 0, err
	}
	if s.Callback == nil {
		return -1, 0, c.fail(op, fault.Invalidf("the callback is nil"))
	}
	if fd, err = dupMapFD(s.Map); err != nil {
		return -1, 0, c.fail(op, err)
	}
	return fd, uintptr(c.maxEntries), nil
}

func (r *RingBuffer) unmap() {
	for i := range r.mapped {
		_ = r.mapped[i].memory.Retire()
	}
}

// ringBatch is how many bytes of records C brings to Go in one call: few enough to be in a cache still when the
// callbacks read them. If a record needs more, there is room for two of its size from then on, up to mostRingBatch: new
// memory for each would take many times as long as the copy.
const (
	ringBatch     = 32 << 10
	mostRingBatch = 1 << 20
)

// RingBuffer receives the records of one or more ring buffer maps through callbacks, as libbpf's struct ring_buffer
// does in C. libbpf takes the records from the ring buffers, and each call into C brings a batch of them. Records
// of one map come in the order in which programs reserved them.
//
// A callback occupies a thread as long as it runs. Use a [RingReader] if callbacks block, or if speed comes first.
//
// All methods are safe for concurrent use. Callbacks may call them too, also Close. Only one of Poll, PollContext,
// Consume and ConsumeN runs at a time, also while it waits: the error of a second one matches unix.EBUSY. A panic in a
// callback goes on in the caller of Poll or Consume; the RingBuffer is then as if the callback had returned.
type RingBuffer struct {
	d         drain
	rb        *cRingBuffer
	rings     *cRingSet  // nil if C code made the ring_buffer
	handle    cgo.Handle // to this, for libbpfGoRecord
	mapped    []mappedRing
	callbacks []func(record []byte) error

	// For the call that consumes: the records that libbpf has taken from the ring buffers, and that were not handed
	// over yet. They are in the batch from first to end, and behind them comes one for which the batch had no room.
	batch      []byte
	first, end int
	outsize    []byte
	call       ringCall

	ofC error // of a callback while C code polled: the next call returns it
}

// ringCall is the state of a call that consumes.
type ringCall struct {
	ctx     context.Context
	n, most int     // how many records were handed over, and may be
	look    uintptr // how many bytes are handed over until the next look at ctx
	err     error   // why it stopped
}

// pending reports whether a ring buffer has a record, or impossible positions, of which consume tells. Nothing that
// libbpf has taken from the ring buffers is left when somebody waits.
func (r *RingBuffer) pending() bool {
	for i := range r.mapped {
		if r.mapped[i].Pending() {
			return true
		}
	}
	return false
}

// consume is libbpf's, behind what it has taken from the ring buffers before.
func (r *RingBuffer) consume(ctx context.Context, most int) (int, error) {
	if err := r.d.file.Reason(ctx); err != nil {
		return 0, r.d.fail(r.d.op, err)
	}
	if err := r.ofC; err != nil {
		r.ofC = nil
		return 0, err
	}
	r.call = ringCall{ctx: ctx, most: most, look: 1} // the first record is followed by a look at ctx
	defer func() { r.call = ringCall{} }()
	if r.handOver() && r.call.n < most && r.pending() {
		if err := r.consumeRings(); err != nil && r.call.err == nil {
			r.call.err = r.d.fail(r.d.op, err)
		}
	}
	if r.call.err == nil && r.d.file.IsRaised() {
		r.look()
	}
	return r.call.n, r.call.err
}

// consumeRings lets libbpf consume the ring buffers, a batch at a time, and hands over each batch.
func (r *RingBuffer) consumeRings() error {
	// Where positions are impossible, libbpf would take whatever is there for a record.
	for i := range r.mapped {
		if err := r.mapped[i].Check(); err != nil {
			return err
		}
	}
	how, most := r.how(r.call.most), r.call.most-r.call.n
	for more := true; more; most = 0 {
		var ret cInt
		r.first = 0
		r.end, r.outsize, more, ret = fillFromRings(r.rings, how, most, r.batch)
		wanted := min(2*(len(r.outsize)+7), mostRingBatch) // room ends at a multiple of eight bytes
		goOn := r.handOver()
		if goOn && wanted > len(r.batch) { // all records of the old one were handed over
			r.batch = make([]byte, wanted)
		}
		switch err := clib.FromRet(int(ret)); {
		case err == unix.EBADMSG:
			return ring.ErrCorrupt
		case err != nil:
			return err
		case !goOn:
			return nil
		}
	}
	return nil
}

// how is the function of libbpf that the method stands for. ring_buffer__poll first asks the kernel which ring buffers
// have records: if there is only one, that is known, and the question costs more than the records.
func (r *RingBuffer) how(most int) uint32 {
	switch {
	case most != everything:
		return howConsumeN
	case r.d.op == opPoll && len(r.mapped) > 1:
		return howPoll
	}
	return howConsume
}

// receiveInPlace hands over one record while C code polls the ring_buffer, and reports whether to go on.
func (r *RingBuffer) receiveInPlace(index int, record []byte) (goOn bool) {
	defer func() {
		if value := recover(); value != nil {
			r.ofC, goOn = &CallbackPanic{value, debug.Stack()}, false
		}
	}()
	r.ofC = r.callbacks[index](record)
	return r.ofC == nil
}

// handOver hands over what libbpf has taken from the ring buffers, and reports whether to go on. A record counts once
// its callback was called, however that ends.
//
// A batch has the format of a ring buffer, with another header of the same size.
func (r *RingBuffer) handOver() bool {
	call := &r.call
	for r.first < r.end || r.outsize != nil {
		if call.n >= call.most || r.d.file.IsRaised() {
			return false
		}
		var at unsafe.Pointer
		if r.first < r.end {
			at = unsafe.Pointer(&r.batch[r.first])
		} else {
			at, r.outsize = unsafe.Pointer(&r.outsize[0]), nil
		}
		record := (*cRecord)(at)
		size := uintptr(record.size)
		room := ring.Room(size)
		r.first += int(room)
		call.n++
		if err := r.callbacks[record.ring](ring.Bytes(at, size)); err != nil {
			call.err = err
			return false
		}
		if call.look > room {
			call.look -= room
		} else if !r.look() {
			return false
		}
	}
	return true
}

// look looks whether to go on, and says when to look again.
func (r *RingBuffer) look() bool {
	switch err := r.d.file.Reason(r.call.ctx); {
	case err == ErrClosed || err != nil && r.call.n == 0:
		r.call.err = r.d.fail(r.d.op, err)
		return false
	case err != nil:
		return false
	}
	r.call.look = wait.BytesBetweenLooks(r.call.ctx, ringBatch)
	r.d.file.Watch(r.call.ctx)
	return true
}

func (r *RingBuffer) drain() *drain {
	if r == nil {
		return nil
	}
	return &r.d
}

// Poll waits until there are records, for at most timeout, and hands those that are there then to the callbacks. It
// returns how many it has handed over: 0 and no error when the time passes without a record (ring_buffer__poll). If
// timeout is negative, the time does not end; if it is 0, Poll is Consume. No thread is blocked while it waits. Close
// wakes it: the error matches [ErrClosed].
//
// When the time passes while a callback runs, Poll ends after that callback, and the next call hands over the rest.
// However short the time is, a record that is there is handed over.
func (r *RingBuffer) Poll(timeout time.Duration) (int, error) { return r.drain().pollTimeout(timeout) }

// PollContext is Poll until ctx is done. If no record came until then, the error matches the error of ctx and its
// cause. How many records may come after ctx is done is the same as for [RingReader.Records].
func (r *RingBuffer) PollContext(ctx context.Context) (int, error) { return r.drain().pollContext(ctx) }

// Consume hands the records that are there when it begins to the callbacks, and does not wait. It returns how many it
// has handed over (ring_buffer__consume).
func (r *RingBuffer) Consume() (int, error) { return r.drain().consumeNow(everything) }

// ConsumeN is Consume of at most n records. Those behind them stay in the ring buffers (ring_buffer__consume_n; before
// libbpf 1.5 ring_buffer__consume).
func (r *RingBuffer) ConsumeN(n int) (int, error) {
	d := r.drain()
	if n < 0 {
		return 0, d.fail("consume", fault.Invalidf("the number of records is %d and must not be negative", n))
	}
	return d.consumeNow(n)
}

// Stats says how full the ring buffer of one of the [RingBufferBuilder.Sources] is, which index counts from 0
// (ring_buffer__ring, ring__size, ring__avail_data_size, ring__consumer_pos, ring__producer_pos, libbpf 1.3).
//
// libbpf takes up to 32 KiB of records, or two of the largest, from the ring buffers in advance. They count as consumed
// while a callback runs, and after one that failed, although no callback has received them yet.
func (r *RingBuffer) Stats(index int) (RingStats, error) {
	const op = "get statistics of"
	d := r.drain()
	if err := d.acquire(); err != nil {
		return RingStats{}, d.fail(op, err)
	}
	defer d.h.Drop()
	if err := needs("ring__size", 1, 3); err != nil {
		return RingStats{}, d.fail(op, err)
	}
	if index < 0 || index >= len(r.mapped) {
		return RingStats{}, d.fail(op, fault.Invalidf("there are %d ring buffers, and no number %d", len(r.mapped), index))
	}
	return ringStats(r.rb, index), nil
}

// UsePointer calls f with the struct ring_buffer of libbpf, which stays valid until f returns. Poll and Consume fail
// meanwhile: their error matches unix.EBUSY. UsePointer returns the error of f as it is.
//
// C code may poll the ring_buffer, on the thread of f. Each record is then one call of its callback, in place. If a
// callback returns an error or panics, the poll of C returns -ECANCELED, and the next Poll or Consume returns the
// error, or a [*CallbackPanic].
func (r *RingBuffer) UsePointer(f func(rings unsafe.Pointer) error) error {
	d := r.drain()
	if err := d.enter("use"); err != nil {
		return err
	}
	defer d.leave()
	return f(unsafe.Pointer(r.rb))
}

// Pointer returns the struct ring_buffer of libbpf, which Close frees, or nil after Close. C code must not poll it
// while Go does.
func (r *RingBuffer) Pointer() unsafe.Pointer {
	d := r.drain()
	if d.acquire() != nil {
		return nil
	}
	defer d.h.Drop()
	return unsafe.Pointer(r.rb)
}

// EpollFD returns a descriptor that is readable when there are records, for a poller of the caller's own, or -1 after
// Close (ring_buffer__epoll_fd). It belongs to the RingBuffer: do not close it.
func (r *RingBuffer) EpollFD() int { return r.drain().currentEpollFD() }

// Close frees the ring buffers and wakes Poll (ring_buffer__free). It does not wait: if another goroutine polls or
// consumes, a callback may still run there, and one more may begin. It is idempotent.
//
// Records that libbpf has taken from the ring buffers for a call that failed are lost, up to 32 KiB or two of the largest.
// To get them, call Consume before.
func (r *RingBuffer) Close() error { return closing(r.String(), r.drain().close()) }

// String is such as "ring buffer (maps: 2)".
func (r *RingBuffer) String() string {
	if r == nil {
		return "ring buffer"
	}
	return fmt.Sprintf("ring buffer (maps: %d)", len(r.callbacks))
}
