package libbpf

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// drain is what [RingBuffer] and [PerfBuffer] have in common: it hands records, in place, from their buffers to the
// user's callbacks, and waits for more. One call at a time does so, and others fail: so none waits for a callback,
// which may be the caller.
//
// The wait needs no thread: it is for libbpf's epoll descriptor, in the Go runtime's poller, which also brings
// deadlines and the wake-up by Close.
type drain struct {
	h       *handle
	what    string // for errors
	source  source
	buffers int

	epollFD   int
	interrupt // its file is a duplicate of it
	ready     func(fd uintptr) bool

	busy atomic.Bool // while there is a call, whose the rest is
	op   string      // for errors
	next int         // the buffer to begin with, as a busy one must not starve those behind it
}

// source is the buffers of a drain.
type source interface {
	// pending tells whether a buffer has something to hand over.
	pending(index int) bool
	// begin notes how far a buffer is filled: handOver goes to there, or programs could fill it faster for ever.
	begin(index int)
	// handOver hands over so many records at most, and ends after so many bytes, or when the interrupt is raised. It
	// tells how many records that were, and whether more are left. A record counts once its callback was called,
	// however that ends.
	handOver(index, most int, bytes uintptr) (n int, more bool, err error)
	// publish gives the space of what was handed over back to programs.
	publish(index int)
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
	if err := d.interrupt.open(fd, what); err != nil {
		return fail(err)
	}
	d.what = what
	d.epollFD = epollFD
	d.ready = func(uintptr) bool { return d.pending() }
	d.h, err = newHandle(nil, func() error {
		release()
		return nil
	})
	if err != nil {
		return fail(err)
	}
	d.h.wake = d.interrupt.close
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
	err := d.h.close()
	d.raised.Store(true) // where another call is about to
	return err
}

// currentEpollFD is libbpf's epoll descriptor, or -1 once closed.
func (d *drain) currentEpollFD() int {
	if d.acquire() != nil {
		return -1
	}
	defer d.h.drop()
	return d.epollFD
}

// enter makes the caller the one who may consume, until leave.
func (d *drain) enter(op string) error {
	if err := d.acquire(); err != nil {
		return d.fail(op, err)
	}
	if !d.busy.CompareAndSwap(false, true) {
		d.h.drop()
		return d.fail(op, fmt.Errorf("another call or loop receives its records: %w", unix.EBUSY))
	}
	d.op = op
	return nil
}

func (d *drain) leave() {
	d.stopWatching()
	d.busy.Store(false)
	d.h.drop()
}

// pending tells whether there is anything to hand over.
func (d *drain) pending() bool {
	for i := range d.buffers {
		if d.source.pending(i) {
			return true
		}
	}
	return false
}

// consume hands over what is in some of the buffers now, at most so many records. It ends early when a callback fails,
// when the drain is closed, and when ctx is done, which is an error only if no record came.
func (d *drain) consume(ctx context.Context, from, to, most int) (n int, err error) {
	for i := from; i < to; i++ {
		d.source.begin(i)
	}
	if err := d.reason(ctx, d.h); err != nil {
		return 0, d.fail(d.op, err)
	}
	turn := from
	if from < d.next && d.next < to {
		turn = d.next
	}
	defer func() { d.source.publish(turn) }() // however a callback ends
	look, lease := uintptr(1), uintptr(0)     // in bytes: the first record is followed by a look at ctx
	for empty := 0; empty < to-from && n < most; {
		d.next = turn + 1
		handed, more, err := d.source.handOver(turn, most-n, look)
		if n += handed; err != nil {
			return n, err
		}
		if handed > 0 || more {
			switch err := d.reason(ctx, d.h); {
			case err == ErrClosed || err != nil && n == 0:
				return n, d.fail(d.op, err)
			case err != nil:
				return n, nil
			}
			lease += look
			look = bytesBetweenLooks(ctx, mostLease)
			d.watch(ctx)
		}
		if more && lease < mostLease {
			continue
		}
		d.source.publish(turn)
		if empty++; more {
			empty = 0
		}
		if turn++; turn == to {
			turn = from
		}
		lease = 0
	}
	return n, nil
}

// everything is more than there can be.
const everything = math.MaxInt

// consumeNow is Consume, of at most so many records.
func (d *drain) consumeNow(most int) (int, error) {
	if err := d.enter("consume"); err != nil {
		return 0, err
	}
	defer d.leave()
	return d.consume(context.Background(), 0, d.buffers, most)
}

// pollContext is PollContext.
func (d *drain) pollContext(ctx context.Context) (int, error) {
	const op = "poll"
	if err := d.enter(op); err != nil {
		return 0, err
	}
	defer d.leave()
	if ctx == nil {
		return 0, d.fail(op, invalidf("the context is nil"))
	}
	return d.poll(ctx)
}

// pollTimeout is Poll. That the time passes is not an error.
func (d *drain) pollTimeout(timeout time.Duration) (int, error) {
	ctx := context.Background()
	switch {
	case timeout == 0:
		return d.consumeNow(everything)
	case timeout > 0:
		ctx = &timeLimit{Context: ctx, timeout: timeout}
	}
	n, err := d.pollContext(ctx)
	if n == 0 && errors.Is(err, context.DeadlineExceeded) {
		return 0, nil
	}
	return n, err
}

// poll waits for records until ctx is done, and hands them over. The caller has entered.
func (d *drain) poll(ctx context.Context) (int, error) {
	for {
		n, err := d.consume(ctx, 0, d.buffers, everything)
		if n > 0 || err != nil {
			return n, err
		}
		if err := d.wait(ctx, d.h, d.ready); err != nil {
			return 0, d.fail(d.op, err)
		}
	}
}
