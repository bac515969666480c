// Package wait waits until a file is ready, until its owner is closed or until a context is done. It blocks no thread
// meanwhile: the Go runtime's poller waits.
package wait

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// betweenLooks is how many bytes of records are handed over between two looks at a context that can be done: so few
// that the end of the context is not noticed late, and so many that the looks cost nothing.
const betweenLooks = 1 << 10

// File is a file that one goroutine at a time waits for, and hands over the records of. It ends the wait, and raises
// its Flag between two records, when its owner is closed or a context is done.
//
// The runtime needs a moment to raise the Flag after a context has ended. So the loop also looks at the context, with
// Reason: after the first record, and then each time it has handed over BytesBetweenLooks bytes. Whoever ends the
// context with a record in hand gets few more.
type File struct {
	Flag
	file   *os.File
	conn   syscall.RawConn // the file's
	closed func() error    // the error once the owner is closed, otherwise nil

	// For the one goroutine that waits or hands over.
	unwatch func() bool   // as the one of context.AfterFunc; nil while no context is watched
	ended   chan struct{} // holds a token once the watched context has ended
	timer   *time.Timer
	limited bool // the file has a deadline for reading that passes by itself
	found   bool // a wait was for a record, and it came: it is handed over even if the context is done by now
}

// Open takes over a descriptor, also when it fails. closed returns an error once the owner was closed; after that, the
// owner calls Close.
func (f *File) Open(fd int, name string, closed func() error) error {
	// Only then os.File puts it into the runtime's poller. Neither maps nor waits for an epoll descriptor heed the
	// flag.
	err := unix.SetNonblock(fd, true)
	f.file = os.NewFile(uintptr(fd), name)
	if err == nil {
		f.conn, err = f.file.SyscallConn()
	}
	if err != nil {
		_ = f.file.Close()
		return err
	}
	f.closed = closed
	f.ended = make(chan struct{}, 1)
	return nil
}

// Close raises the Flag, ends a wait and closes the descriptor. It returns when nobody waits for the file any more;
// that takes no callback and no turn of a loop.
func (f *File) Close() {
	f.Raise()
	_ = f.file.Close()
}

// Watch raises the Flag, and ends a wait, when ctx is done, until Unwatch. It does nothing if ctx is watched already.
func (f *File) Watch(ctx context.Context) {
	if f.unwatch != nil {
		return
	}
	limit, ok := ctx.(*timeLimit)
	switch {
	case ok && f.timer == nil:
		f.timer = time.AfterFunc(time.Until(limit.until), f.end)
		f.unwatch = f.timer.Stop
	case ok:
		f.timer.Reset(time.Until(limit.until))
		f.unwatch = f.timer.Stop
	case ctx.Done() != nil:
		f.unwatch = context.AfterFunc(ctx, f.end)
	}
}

// end is called once the watched context has ended.
func (f *File) end() {
	_ = f.file.SetDeadline(longAgo)
	f.raiseUnlessPromised() // if a record is promised, Reason sees the end of the context behind it
	f.ended <- struct{}{}
}

// Unwatch ends Watch, and makes the file ready for the next wait.
func (f *File) Unwatch() {
	if f.unwatch != nil && !f.unwatch() {
		<-f.ended
		_ = f.file.SetDeadline(time.Time{})
	}
	f.unwatch, f.found = nil, false
}

// limit makes the next wait end after a time, if it is not 0, instead of after that of the wait before. It may take away
// the deadline that a context has set by its end.
func (f *File) limit(most time.Duration) {
	switch {
	case most > 0:
		_ = f.file.SetReadDeadline(time.Now().Add(most))
	case f.limited:
		_ = f.file.SetReadDeadline(time.Time{})
	}
	f.limited = most > 0
}

// Reason lowers the Flag, and returns why no more records may be handed over, or nil: the error of the closed owner, or
// the ContextError. The record that a wait has found may be handed over although ctx is done.
func (f *File) Reason(ctx context.Context) error {
	found := f.found
	f.found = false
	f.lower(found) // first: whatever happens from here on raises it again
	if err := f.closed(); err != nil {
		return err
	}
	if !found && ctx.Err() != nil {
		return ContextError(ctx)
	}
	return nil
}

// UntilReadable waits until ready reports true, which it is asked each time the file becomes readable, or until the time
// most has passed, if it is not 0. It watches ctx. The error is the closed owner's, the ContextError or that of the wait;
// that the time has passed is none. A record that came before the end of ctx is found all the same.
func (f *File) UntilReadable(ctx context.Context, most time.Duration, ready func(fd uintptr) bool) error {
	err := f.wait(ctx, most, ready)
	if err == nil || ctx.Err() != nil && f.closed() == nil && ready(0) {
		f.found = true
		return nil
	}
	return unlessPassed(err)
}

// Pause waits for a time, but not longer than until the file becomes readable and ready reports true. What was there
// before does not end it. It watches ctx. The error is the closed owner's, the ContextError or that of the wait.
func (f *File) Pause(ctx context.Context, most time.Duration, ready func(fd uintptr) bool) error {
	waited := false
	return unlessPassed(f.wait(ctx, most, func(fd uintptr) bool {
		if !waited { // the poller asks before it waits, too
			waited = true
			return false
		}
		return ready(fd)
	}))
}

// errPassed says that the time of a wait has passed.
var errPassed = errors.New("the time has passed")

func unlessPassed(err error) error {
	if err == errPassed {
		return nil
	}
	return err
}

// wait is UntilReadable, but finds no record once ctx is done.
func (f *File) wait(ctx context.Context, most time.Duration, ready func(fd uintptr) bool) error {
	f.Watch(ctx)
	f.limit(most)
	err := os.ErrDeadlineExceeded
	if ctx.Err() == nil { // otherwise limit may have taken away the deadline that ends the wait
		err = f.conn.Read(ready)
	}
	switch closed := f.closed(); {
	case closed != nil:
		return closed
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ContextError(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errPassed
	}
	return fmt.Errorf("wait for records: %w", err)
}

// UntilWritable waits until try reports true, which is called each time the file becomes writable. It watches ctx only
// as long as it waits. The error is the closed owner's, the ContextError or that of the wait.
func (f *File) UntilWritable(ctx context.Context, try func() bool) error {
	f.Watch(ctx)
	defer f.Unwatch()
	done := false
	err := f.conn.Write(func(uintptr) bool {
		done = try()
		return done
	})
	if done {
		return nil
	}
	if err := f.closed(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ContextError(ctx)
	}
	return fmt.Errorf("wait for space: %w", err)
}

// BytesBetweenLooks is how many of at most so many bytes are handed over between two calls of Reason.
func BytesBetweenLooks(ctx context.Context, most uintptr) uintptr {
	if ctx.Done() == nil {
		return most
	}
	return min(most, betweenLooks)
}
