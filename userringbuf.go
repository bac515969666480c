package libbpf

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/addresses"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	"github.com/libbpf-go/libbpf-go/internal/ring"
	"github.com/libbpf-go/libbpf-go/internal/wait"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// UserRingBuffer sends records to programs, which receive them with bpf_user_ringbuf_drain. Reserve a sample, fill it
// in place and submit it.
//
//	sample, err := ring.Reserve(16)
//	...
//	defer sample.Discard() // does nothing once it is submitted
//	binary.NativeEndian.PutUint64(sample.Bytes(), 1)
//	return sample.Submit()
//
// Programs receive the samples in the order in which they were reserved. A sample that is neither submitted nor
// discarded holds up those behind it.
//
// All methods are safe for concurrent use, also Close. There must be no second UserRingBuffer for the same map, in this
// process or another one: both would reserve the same bytes.
type UserRingBuffer struct {
	h    *handle.Handle
	what string // for errors
	size int

	mu   sync.Mutex // reserve of libbpf is for one thread at a time
	ring *cUserRing
	ofC  bool // C frees it

	// memory is a mapping of our own, in which Go sees the samples of libbpf: libbpf unmaps its own when samples may
	// still be in use. It is the page with the producer position, and behind it the data, twice.
	memory   addresses.Range
	producer *uintptr
	data     unsafe.Pointer

	file wait.File // a duplicate of the map's descriptor
	// waiting holds a token while somebody waits, because the file is for one at a time. Those behind wait for the
	// token, so space goes to those who came first.
	waiting chan struct{}
}

// NewUserRingBuffer opens a map of type [MapTypeUserRingBuf] (user_ring_buffer__new, Linux 6.1). The caller closes the
// result. It has a descriptor and mappings of its own, so it stays usable when the map is closed.
func NewUserRingBuffer(m MapCore) (*UserRingBuffer, error) { return newUserRingBuffer(m, nil, false) }

// newUserRingBuffer wraps a ring of C's, or a new one if that is nil. ofC says that C frees it.
func newUserRingBuffer(m MapCore, ring *cUserRing, ofC bool) (*UserRingBuffer, error) {
	const op = "open user ring buffer of"
	c, err := coreOf(m)
	if err != nil {
		return nil, &Error{Op: op, Object: "map", Err: err}
	}
	if c.typ != MapTypeUserRingBuf && c.h != nil {
		return nil, c.fail(op, fault.Invalidf("the map is not a user ring buffer but of type %s", c.typ))
	}
	fd, err := dupMapFD(m)
	if err != nil {
		return nil, c.fail(op, err)
	}
	r := &UserRingBuffer{
		what: c.String(), size: int(c.maxEntries), waiting: make(chan struct{}, 1), ring: ring, ofC: ofC,
	}
	if err := r.file.Open(fd, r.what, func() error { return r.h.Err() }); err != nil {
		return nil, c.fail(op, err)
	}
	if err := r.mapMemory(fd); err != nil {
		r.file.Close()
		return nil, c.fail(op, err)
	}
	if ring == nil {
		err = call(op, r.what, func() error {
			var ret cInt
			r.ring, ret = newUserRing(fd)
			return clib.FromRet(int(ret))
		})
	}
	if err != nil {
		_ = r.memory.Retire()
		r.file.Close()
		return nil, err
	}
	r.h = handle.New(handle.Resource{
		Release: func() error {
			if !r.ofC {
				freeUserRing(r.ring)
			}
			return r.memory.Retire()
		},
		Wake: r.file.Close,
	})
	return r, nil
}

func (r *UserRingBuffer) mapMemory(fd int) error {
	info, err := mapInfo(fd)
	if err != nil {
		return err
	}
	page := uintptr(os.Getpagesize())
	length := page + 2*uintptr(r.size)
	start, err := unix.MmapPtr(fd, int64(page), nil, length, readWrite, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	r.memory = addresses.Settle(start, length, addresses.ToWrite, info.ID)
	r.producer = (*uintptr)(r.memory.Start)
	r.data = unsafe.Add(r.memory.Start, page)
	return nil
}

const opReserve = "reserve in"

func (r *UserRingBuffer) fail(err error) error {
	if r == nil {
		return &Error{Op: opReserve, Object: "user ring buffer", Err: err}
	}
	return &Error{Op: opReserve, Object: r.what, Err: err}
}

// begin acquires the ring for a reservation.
func (r *UserRingBuffer) begin(size int) error {
	if r == nil {
		return r.fail(ErrClosed)
	}
	if size < 0 {
		return r.fail(fault.Invalidf("the size is %d and must not be negative", size))
	}
	if err := r.h.Acquire(); err != nil {
		return r.fail(err)
	}
	return nil
}

// errUserRingFull is made in advance because a full ring is an everyday result.
var errUserRingFull = fault.New("it is full", unix.ENOSPC)

// reserve returns nil and no error when the ring is full. The caller has acquired it, and the sample keeps it so.
func (r *UserRingBuffer) reserve(size int) (*UserRingSample, error) {
	sample := &UserRingSample{ring: r, size: size}
	ret := -cInt(unix.E2BIG)
	if size <= math.MaxInt32 {
		r.mu.Lock()
		// Only the holders of the lock move the producer position, in C. The program reads the bytes after it has seen,
		// with acquire, that libbpf's commit exchanged the header, with release, behind the caller's plain stores.
		begin := atomic.LoadUintptr(r.producer) + ring.HeaderSize
		sample.memory = unsafe.Add(r.data, begin&uintptr(r.size-1))
		sample.libbpfs, ret = reserveUserRing(r.ring, size)
		r.mu.Unlock()
	}
	switch ret {
	case 0:
		return sample, nil
	case -cInt(unix.ENOSPC):
		return nil, nil
	case -cInt(unix.E2BIG):
		text := fmt.Sprintf("a sample of %d bytes never fits into %d, which hold its header of 8 bytes, too", size, r.size)
		return nil, fault.New(text, unix.E2BIG)
	}
	return nil, clib.FromRet(int(ret))
}

// Reserve reserves room for a sample of size bytes (user_ring_buffer__reserve). The bytes still have the content of
// earlier samples. If the ring buffer is full for now, the error matches unix.ENOSPC. If a sample of this size never
// fits, it matches unix.E2BIG.
func (r *UserRingBuffer) Reserve(size int) (*UserRingSample, error) {
	if err := r.begin(size); err != nil {
		return nil, err
	}
	sample, err := r.reserve(size)
	if sample != nil {
		return sample, nil
	}
	r.h.Drop()
	if err == nil {
		err = errUserRingFull
	}
	return nil, r.fail(err)
}

// ReserveContext is [UserRingBuffer.Reserve], but while the ring buffer is full, it waits until programs have drained
// it. If ctx is done before, the error matches unix.ENOSPC, and the error of ctx and its cause. Close wakes it: the
// error matches [ErrClosed]. No thread is blocked while it waits. A program that drains with BPF_RB_NO_WAKEUP does not
// wake it.
func (r *UserRingBuffer) ReserveContext(ctx context.Context, size int) (*UserRingSample, error) {
	if err := r.begin(size); err != nil {
		return nil, err
	}
	if ctx == nil {
		r.h.Drop()
		return nil, r.fail(fault.Invalidf("the context is nil"))
	}
	sample, err := r.reserveContext(ctx, size)
	if err != nil {
		r.h.Drop()
		return nil, r.fail(err)
	}
	return sample, nil
}

func (r *UserRingBuffer) reserveContext(ctx context.Context, size int) (sample *UserRingSample, err error) {
	full := func() error { return fmt.Errorf("%w: %w", errUserRingFull, wait.ContextError(ctx)) }
	select {
	case r.waiting <- struct{}{}:
	default:
		select {
		case r.waiting <- struct{}{}:
		case <-ctx.Done():
			return nil, full()
		}
	}
	defer func() { <-r.waiting }()
	if sample, err = r.reserve(size); sample != nil || err != nil {
		return sample, err
	}
	if ctx.Err() != nil {
		return nil, full()
	}
	waited := r.file.UntilWritable(ctx, func() bool {
		sample, err = r.reserve(size)
		return sample != nil || err != nil
	})
	switch {
	case waited == nil:
		return sample, err
	case waited != ErrClosed && ctx.Err() != nil:
		return nil, full()
	}
	return nil, waited
}

// Close closes the ring buffer and wakes those who wait for space (user_ring_buffer__free). It does not wait: samples
// that are reserved can still be filled, submitted and discarded, and keep the memory until then. It is idempotent.
func (r *UserRingBuffer) Close() error {
	if r == nil {
		return nil
	}
	return closing(r.String(), r.h.Close())
}

// UserRingSample is a sample that is reserved in a [UserRingBuffer]. It must be submitted or discarded.
type UserRingSample struct {
	ring    *UserRingBuffer
	memory  unsafe.Pointer
	libbpfs unsafe.Pointer // the same in libbpf's mapping
	size    int
	done    atomic.Bool
}

// Bytes returns the bytes to fill, in the memory that the kernel reads, or nil after Submit or Discard. Do not use the
// slice after that: its memory may belong to another sample. A slice that is kept by mistake does not crash, not even
// after Close of the ring buffer.
func (s *UserRingSample) Bytes() []byte {
	if s == nil || s.done.Load() {
		return nil
	}
	return unsafe.Slice((*byte)(s.memory), s.size)
}

// Submit sends the sample to the programs (user_ring_buffer__submit). If it was submitted or discarded before, the
// error matches [ErrClosed].
func (s *UserRingSample) Submit() error {
	if !s.commit(true) {
		return &Error{Op: "submit", Object: "sample", Err: ErrClosed}
	}
	return nil
}

// Discard gives the room back, and no program receives the sample (user_ring_buffer__discard). It does nothing if the
// sample was submitted or discarded before, so it may be deferred as soon as Reserve returns.
func (s *UserRingSample) Discard() { s.commit(false) }

func (s *UserRingSample) commit(submit bool) bool {
	if s == nil || !s.done.CompareAndSwap(false, true) {
		return false
	}
	commitUserRing(s.ring.ring, s.libbpfs, submit)
	s.ring.h.Drop()
	return true
}

// String is such as `map "commands"`.
func (r *UserRingBuffer) String() string {
	if r == nil {
		return "user ring buffer"
	}
	return r.what
}
