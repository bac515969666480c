package libbpf

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	"github.com/libbpf-go/libbpf-go/internal/wait"
)

// drain is what [RingBuffer] and [PerfBuffer] have in common: it hands records from their buffers to the user's
// callbacks, and waits for more. One call at a time does so, and others fail: so no call waits for a callback, which
// may be its own caller.
//
// The wait is for libbpf's epoll descriptor.
type drain struct {
	h      *handle.Handle
	what   string // for errors
	source source

	epollFD int
	file    wait.File // a duplicate of the epoll descriptor
	ready   func(fd uintptr) bool

	busy atomic.Bool // while there is a call, to which the rest belongs
	op   string      // for errors
}

// source is the buffers of a drain.
type source interface {
	// pending reports whether there is anything to hand over.
	pending() bool
	// consume hands over at most so many of the records that are there when it begins: programs that write fast would
	// otherwise keep it for ever. It ends early when a callback fails, when the drain is closed, and when ctx is done,
	// which is an error only if no record came. A record counts once its callback was called, however that ends.
	consume(ctx context.Context, most int) (n int, err error)
}

// start makes the drain usable. release frees the buffers, also when start fails.
func (d *drain) start(what string, epollFD int, release func()) error {
	fd, err := duplicate(epollFD)
	if err == nil {
		err = d.file.Open(fd, what, func() error { return d.h.Err() })
	}
	if err != nil {
		release()
		return &Error{Op: "open", Object: what, Err: err}
	}
	d.h = handle.New(handle.Resource{
		Release: func() error {
			release()
			return nil
		},
		Wake: d.file.Close,
	})
	d.what = what
	d.epollFD = epollFD
	d.ready = func(uintptr) bool { return d.source.pending() }
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
	return d.h.Acquire()
}

func (d *drain) close() error {
	if d == nil {
		return nil
	}
	err := d.h.Close()
	d.file.Raise() // the first call of close may not have done that yet
	return err
}

// currentEpollFD is libbpf's epoll descriptor, or -1 once closed.
func (d *drain) currentEpollFD() int {
	if d.acquire() != nil {
		return -1
	}
	defer d.h.Drop()
	return d.epollFD
}

// enter makes the caller the one who may consume, until leave.
func (d *drain) enter(op string) error {
	if err := d.acquire(); err != nil {
		return d.fail(op, err)
	}
	if !d.busy.CompareAndSwap(false, true) {
		d.h.Drop()
		return d.fail(op, fmt.Errorf("another call or loop receives its records: %w", unix.EBUSY))
	}
	d.op = op
	return nil
}

func (d *drain) leave() {
	d.file.Unwatch()
	d.busy.Store(false)
	d.h.Drop()
}

const opPoll = "poll"

// everything is more records than there can be.
const everything = math.MaxInt

// consumeNow is Consume, of at most so many records.
func (d *drain) consumeNow(most int) (int, error) {
	if err := d.enter("consume"); err != nil {
		return 0, err
	}
	defer d.leave()
	return d.source.consume(context.Background(), most)
}

// pollContext is PollContext.
func (d *drain) pollContext(ctx context.Context) (int, error) {
	if err := d.enter(opPoll); err != nil {
		return 0, err
	}
	defer d.leave()
	if ctx == nil {
		return 0, d.fail(opPoll, fault.Invalidf("the context is nil"))
	}
	return d.poll(ctx)
}

// pollTimeout is Poll. It is no error when the time passes.
func (d *drain) pollTimeout(timeout time.Duration) (int, error) {
	ctx := context.Background()
	switch {
	case timeout == 0:
		return d.consumeNow(everything)
	case timeout > 0:
		ctx = wait.ForTime(timeout)
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
		n, err := d.source.consume(ctx, everything)
		if n > 0 || err != nil {
			return n, err
		}
		if err := d.file.UntilReadable(ctx, 0, d.ready); err != nil {
			return 0, d.fail(d.op, err)
		}
	}
}
