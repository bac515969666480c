package libbpf

/*
#include <stdlib.h>
#include "batch_cgo.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// A batch has room for this much. Both are small enough to stay in a CPU's second-level cache.
const (
	batchBytes   = 128 << 10
	batchRecords = 1024
)

// drain is what [RingBuffer] and [PerfBuffer] have in common: it moves records from libbpf's buffers to the user's
// callbacks and waits for more. Those of a RingBuffer go a batch at a time; a PerfBuffer's stay in place.
//
// The wait needs no thread: it is for libbpf's epoll descriptor, in the Go runtime's poller, which also brings
// deadlines and the wake-up by Close.
type drain struct {
	h    *handle
	what string // for errors

	// fill moves records to a batch of batchBytes and most records, until it is full or the buffers are empty; nil where
	// there are no batches.
	fill func(data *C.uchar, records *C.struct_lbg_record, most C.uint32_t, filled *C.struct_lbg_filled) C.int
	// callbacks are the user's, by the records' sources.
	callbacks []func(record []byte) error
	// more tells whether there is anything to deliver, and hand hands at most so many records over and returns how many
	// it did: refill and deliverBatch where there are batches. The caller has consuming.
	more func(most int) (bool, error)
	hand func(most int) (int, error)

	epollFD int
	epoll   *os.File // a duplicate of it, non-blocking
	conn    syscall.RawConn
	waiting chan struct{} // holds a token while somebody waits: the deadline is the file's, and this theirs:
	ready   func(fd uintptr) bool
	failed  error // of ready

	// consuming holds a token while somebody consumes. It is no mutex, because who waits for it may also wait for a
	// context.
	consuming chan struct{}
	// What is left of the last batch, for the one who consumes. A callback that stops leaves the rest for the next call.
	data    []byte
	records []C.struct_lbg_record
	spill   []byte
	filled  *C.struct_lbg_filled
	next    int // into records
	count   int
	offset  int // into data
}

// start makes the drain usable. release frees the buffers, also when start fails.
func (d *drain) start(what string, epollFD int, release func()) error {
	fail := func(err error) error {
		release()
		return &Error{Op: "open", Object: what, Err: err}
	}
	fd, err := duplicate(epollFD)
	if err != nil {
		return fail(err)
	}
	// So that os.File puts it into the runtime's poller; waiting for an epoll descriptor does not heed the flag.
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return fail(err)
	}
	d.what = what
	d.epollFD = epollFD
	d.epoll = os.NewFile(uintptr(fd), what)
	if d.conn, err = d.epoll.SyscallConn(); err != nil {
		_ = d.epoll.Close()
		return fail(err)
	}
	d.ready = func(uintptr) bool { return d.lookForRecords() }
	d.waiting = make(chan struct{}, 1)
	d.consuming = make(chan struct{}, 1)
	if d.fill != nil {
		d.filled = new(C.struct_lbg_filled) // here, as a local one would be allocated for each batch
		d.data = make([]byte, batchBytes)
		d.records = make([]C.struct_lbg_record, batchRecords)
		d.more, d.hand = d.refill, d.deliverBatch
	}
	d.h, err = newHandle(nil, func() error {
		release()
		return nil
	})
	if err != nil {
		return fail(err)
	}
	// Closing the file waits for those who wait for it, and none of them runs a callback meanwhile.
	d.h.wake = func() { _ = d.epoll.Close() }
	return nil
}

func (d *drain) fail(op string, err error) error {
	if d == nil {
		return &Error{Op: op, Object: "buffer", Err: err}
	}
	return &Error{Op: op, Object: d.what, Err: err}
}

func (d *drain) acquire() error {
	if d == nil {
		return ErrClosed
	}
	return d.h.acquire()
}

func (d *drain) close() error {
	if d == nil {
		return nil
	}
	return d.h.close()
}

// currentEpollFD is libbpf's epoll descriptor, or -1 once closed.
func (d *drain) currentEpollFD() int {
	if d.acquire() != nil {
		return -1
	}
	defer d.h.drop()
	return d.epollFD
}

// refill gets the next batch, of most records, if the last one was delivered, and tells whether there is anything to
// deliver. The caller has consuming.
func (d *drain) refill(most int) (bool, error) {
	if d.next < d.count {
		return true, nil
	}
	out := d.filled
	*out = C.struct_lbg_filled{}
	most = min(most, batchRecords)
	ret := d.fill((*C.uchar)(unsafe.Pointer(&d.data[0])), &d.records[0], C.uint32_t(most), out)
	d.next, d.offset, d.count, d.spill = 0, 0, int(out.count), nil
	if out.spill != nil {
		d.spill = C.GoBytes(unsafe.Pointer(out.spill), C.int(d.records[d.count-1].size))
		C.free(unsafe.Pointer(out.spill))
	}
	if ret < 0 && d.count == 0 {
		return false, d.fail("consume", clib.FromRet(int(ret)))
	}
	return d.count > 0, nil
}

// deliverBatch hands the batch's records over, at most so many, until a callback fails. Each counts as handed over once
// its callback was called, however that ends. The caller has consuming.
func (d *drain) deliverBatch(most int) (n int, err error) {
	// Where each record is does not depend on the callbacks; only how far the delivery is must be up to date in d.
	records, data, last := d.records[:d.count], d.data, d.count
	if d.spill != nil {
		last-- // has its data elsewhere
	}
	callbacks, offset := d.callbacks, d.offset
	for i := d.next; i < len(records) && n < most; i++ {
		if d.h.isClosed() {
			return n, d.fail("consume", ErrClosed)
		}
		record := &records[i]
		size := int(record.size)
		bytes := d.spill
		if i < last {
			bytes = data[offset : offset+size : offset+size]
			offset += (size + 7) &^ 7
		}
		d.next, d.offset = i+1, offset
		n++
		err := callbacks[record.source](bytes)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// consume delivers what is there, at most so many records, and stops early when a callback fails, or between batches
// when ctx is done. The caller has acquired the handle.
func (d *drain) consume(ctx context.Context, most int) (n int, err error) {
	select {
	case d.consuming <- struct{}{}: // also when ctx is done: select takes either of two that are ready
	default:
		select {
		case d.consuming <- struct{}{}:
		case <-ctx.Done():
			return 0, d.fail("poll", contextError(ctx))
		}
	}
	defer func() { <-d.consuming }()
	return d.consumeAlone(ctx, most)
}

// consumeAlone is consume; the caller has consuming.
func (d *drain) consumeAlone(ctx context.Context, most int) (n int, err error) {
	for n < most {
		more, err := d.more(most - n)
		if err != nil || !more {
			return n, err
		}
		delivered, err := d.hand(most - n)
		n += delivered
		if err != nil || ctx.Err() != nil {
			return n, err
		}
	}
	return n, nil
}

// everything is more than there can be.
const everything = math.MaxInt

// consumeNow is Consume, of at most so many records.
func (d *drain) consumeNow(most int) (int, error) {
	if err := d.acquire(); err != nil {
		return 0, d.fail("consume", err)
	}
	defer d.h.drop()
	return d.consume(context.Background(), most)
}

// poll is Poll: it waits for records until ctx is done, and delivers them.
func (d *drain) poll(ctx context.Context) (n int, err error) {
	if err := d.acquire(); err != nil {
		return 0, d.fail("poll", err)
	}
	defer d.h.drop()
	if ctx == nil {
		return 0, d.fail("poll", invalidf("the context is nil"))
	}
	for {
		n, err := d.consume(ctx, everything)
		if n > 0 || err != nil {
			return n, err
		}
		if err := d.wait(ctx); err != nil {
			if ctx.Err() == nil {
				return 0, err
			}
			// Records may have come since the last look, before ctx was done.
			if n, last := d.consume(ctx, everything); n > 0 || last != nil {
				return n, last
			}
			return 0, err
		}
	}
}

// pollTimeout is poll for a time; negative is for ever. That it passes is not an error.
func (d *drain) pollTimeout(timeout time.Duration) (int, error) {
	ctx := context.Background()
	switch {
	case timeout == 0:
		return d.consumeNow(everything)
	case timeout > 0 && timeout < math.MaxInt64:
		limit := newTimeLimit(timeout)
		defer limit.stop()
		ctx = limit
	}
	n, err := d.poll(ctx)
	if err != nil && n == 0 && errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return 0, nil
	}
	return n, err
}

// wait returns nil when there are records to deliver, or may be.
func (d *drain) wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return d.fail("poll", contextError(ctx))
	}
	// The wait of others ends with the drain closed, or with records that this caller will look for as well.
	select {
	case d.waiting <- struct{}{}:
	default:
		select {
		case d.waiting <- struct{}{}:
		case <-ctx.Done():
			return d.fail("poll", contextError(ctx))
		}
	}
	defer func() { <-d.waiting }()
	defer interruptWaits(ctx, d.epoll)()
	d.failed = nil
	err := d.conn.Read(d.ready)
	switch {
	case d.failed != nil:
		return d.failed
	case err != nil && ctx.Err() != nil:
		return d.fail("poll", contextError(ctx))
	case err != nil:
		return d.fail("poll", d.closedOr(err))
	}
	return nil
}

// lookForRecords tells a wait to end.
func (d *drain) lookForRecords() (found bool) {
	// Whoever consumes may be in a callback, which may be in Close, which waits for this function.
	select {
	case d.consuming <- struct{}{}:
		defer func() { <-d.consuming }()
	default:
		return true
	}
	found, d.failed = d.more(batchRecords)
	return found || d.failed != nil
}

// closedOr is [ErrClosed] if that is the reason for err. The runtime's poller has an error of its own for it.
func (d *drain) closedOr(err error) error {
	if d.h.isClosed() {
		return ErrClosed
	}
	return fmt.Errorf("wait for records: %w", err)
}
