package libbpf

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/handle"
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// betweenLooks is how many bytes of records are handed over between two looks at a context that can be done: so few
// that it is not late, and so many that looking costs nothing.
const betweenLooks = 1 << 10

// The flag of an interrupt.
const (
	flagLowered  = iota
	flagRaised   // no record may be handed over before a look at the reason
	flagPromised // as lowered, and only Close raises it: the next record is handed over also when the context is done
)

// interrupt waits for a buffer's file, and ends that, and the handing over of records, between two of them, once the
// buffer is closed or a context is done.
//
// A flag tells it to whoever hands over, who looks at it for each record, because nothing costs less. But the runtime
// needs a moment to raise it when a context ends. So there is a look at the context itself after the first record, and
// then every so many bytes: who ends it with a record in hand gets few more.
//
// No thread is blocked by a wait, which is the runtime's poller's.
type interrupt struct {
	file *os.File
	conn syscall.RawConn // the file's
	flag atomic.Uint32

	// Of the one who waits or hands over. There is one at a time.
	unwatch func() bool   // as context.AfterFunc's; nil while nothing is watched
	ended   chan struct{} // holds a token once what is watched has ended
	timer   *time.Timer
	found   bool // a wait was for a record, and it came: it is handed over also when the context is done by now
}

// open takes the descriptor over, also when it fails.
func (i *interrupt) open(fd int, name string) error {
	// So that os.File puts it into the runtime's poller. Neither maps nor waits for an epoll descriptor heed the flag.
	err := unix.SetNonblock(fd, true)
	i.file = os.NewFile(uintptr(fd), name)
	if err == nil {
		i.conn, err = i.file.SyscallConn()
	}
	if err != nil {
		_ = i.file.Close()
		return err
	}
	i.ended = make(chan struct{}, 1)
	return nil
}

// close interrupts. The handle was closed before. Closing the file waits for who waits for it, and none of them runs a
// callback or the body of a loop meanwhile.
func (i *interrupt) close() {
	i.raise()
	_ = i.file.Close()
}

func (i *interrupt) raise() { i.flag.Store(flagRaised) }

func (i *interrupt) isRaised() bool { return i.flag.Load() == flagRaised }

// watch makes the end of ctx interrupt, until unwatched. It does nothing where ctx is watched already.
func (i *interrupt) watch(ctx context.Context) {
	if i.unwatch != nil {
		return
	}
	limit, ok := ctx.(*timeLimit)
	switch {
	case ok && i.timer == nil:
		i.timer = time.AfterFunc(time.Until(limit.until), i.end)
		i.unwatch = i.timer.Stop
	case ok:
		i.timer.Reset(time.Until(limit.until))
		i.unwatch = i.timer.Stop
	case ctx.Done() != nil:
		i.unwatch = context.AfterFunc(ctx, i.end)
	}
}

// end is called once what is watched has ended.
func (i *interrupt) end() {
	_ = i.file.SetDeadline(longAgo)
	i.flag.CompareAndSwap(flagLowered, flagRaised) // not where a record is promised: the look behind it sees the same
	i.ended <- struct{}{}
}

// stopWatching makes the file fit for the next wait.
func (i *interrupt) stopWatching() {
	if i.unwatch != nil && !i.unwatch() {
		<-i.ended
		_ = i.file.SetDeadline(time.Time{})
	}
	i.unwatch, i.found = nil, false
}

// reason is why no record may be handed over any more, or nil.
func (i *interrupt) reason(ctx context.Context, h *handle.Handle) error {
	found := i.found
	i.found = false
	// This comes first, so that what happens from here on raises the flag again.
	if found {
		i.flag.Store(flagPromised)
	} else if i.flag.Load() != flagLowered {
		i.flag.Store(flagLowered)
	}
	switch {
	case h.IsClosed():
		return ErrClosed
	case !found && ctx.Err() != nil:
		return contextError(ctx)
	}
	return nil
}

// wait waits until ready says that there is a record.
func (i *interrupt) wait(ctx context.Context, h *handle.Handle, ready func(fd uintptr) bool) error {
	i.watch(ctx)
	err := i.conn.Read(ready)
	switch {
	case h.IsClosed():
		return ErrClosed
	case err == nil, ctx.Err() != nil && ready(0): // it came before ctx was done
		i.found = true
		return nil
	case ctx.Err() != nil:
		return contextError(ctx)
	}
	return fmt.Errorf("wait for records: %w", err)
}

// bytesBetweenLooks is how much of a lease is handed over between two looks at ctx.
func bytesBetweenLooks(ctx context.Context, lease uintptr) uintptr {
	if ctx.Done() == nil {
		return lease
	}
	return min(lease, betweenLooks)
}

// contextError is the error of a context that is done: its own, and its cause.
func contextError(ctx context.Context) error {
	if err, cause := ctx.Err(), context.Cause(ctx); err != cause {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return ctx.Err()
}

// timeLimit is a context that is done after a time. It has no channel, and costs nothing while nobody watches it. The
// time begins with the first look: however short it is, who looks and then does something gets on.
type timeLimit struct {
	context.Context
	timeout time.Duration
	until   time.Time
}

func (l *timeLimit) Err() error {
	switch now := time.Now(); {
	case l.until.IsZero():
		l.until = now.Add(l.timeout)
	case !now.Before(l.until):
		return context.DeadlineExceeded
	}
	return nil
}
