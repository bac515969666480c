package libbpf

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// drain is what [RingBuffer] and [PerfBuffer] have in common: it hands records, in place, from their buffers to the
// user's callbacks, and waits for more.
//
// The wait needs no thread: it is for libbpf's epoll descriptor, in the Go runtime's poller, which also brings
// deadlines and the wake-up by Close.
type drain struct {
	h    *handle
	what string // for errors

	buffers int
	// pending tells whether a buffer has something to hand over, and handOver hands some of it over, at most so many
	// records, and returns how many. Each counts once its callback was called, however that ends. The caller has
	// consuming.
	pending  func(index int) bool
	handOver func(index, most int) (int, error)

	epollFD int
	epoll   *os.File // a duplicate of it, non-blocking
	conn    syscall.RawConn
	waiting chan struct{} // holds a token while somebody waits: the deadline is the file's, and this theirs:
	ready   func(fd uintptr) bool

	// consuming holds a token while somebody consumes. It is no mutex, because who waits for it may also wait for a
	// context.
	consuming chan struct{}
	// Of the one who consumes: the buffer to begin with, as a busy one must not starve those behind it, and the only
	// one to consume, or -1.
	next, only int
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
	d.only = -1
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

// more tells whether there is anything to hand over. The caller has consuming.
func (d *drain) more() bool {
	if d.only >= 0 {
		return d.pending(d.only)
	}
	for i := range d.buffers {
		if d.pending(i) {
			return true
		}
	}
	return false
}

// hand hands over from each buffer in turn, at most so many records. The caller has consuming.
func (d *drain) hand(most int) (n int, err error) {
	if d.only >= 0 {
		return d.handOver(d.only, most)
	}
	first := d.next
	for i := range d.buffers {
		turn := (first + i) % d.buffers
		d.next = (turn + 1) % d.buffers
		handed, err := d.handOver(turn, most-n)
		if n += handed; err != nil || n >= most {
			return n, err
		}
	}
	return n, nil
}

// consume delivers what is there, at most so many records, and stops early when a callback fails, or between turns
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
	for n < most && d.more() {
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
	err := d.conn.Read(d.ready)
	switch {
	case err != nil && ctx.Err() != nil:
		return d.fail("poll", contextError(ctx))
	case err != nil:
		return d.fail("poll", d.closedOr(err))
	}
	return nil
}

// lookForRecords tells a wait to end.
func (d *drain) lookForRecords() bool {
	// Whoever consumes may be in a callback, which may be in Close, which waits for this function.
	select {
	case d.consuming <- struct{}{}:
		defer func() { <-d.consuming }()
	default:
		return true
	}
	return d.more()
}

// closedOr is [ErrClosed] if that is the reason for err. The runtime's poller has an error of its own for it.
func (d *drain) closedOr(err error) error {
	if d.h.isClosed() {
		return ErrClosed
	}
	return fmt.Errorf("wait for records: %w", err)
}
