package libbpf

import (
	"context"
	"fmt"
	"os"
	"time"
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// interruptWaits makes those who wait for the file stop when ctx is done, until the function that it returns is called.
// Nobody else may set the file's deadline meanwhile.
func interruptWaits(ctx context.Context, file *os.File) (stop func()) {
	if limit, ok := ctx.(*timeLimit); ok {
		_ = file.SetDeadline(limit.at)
		return func() { _ = file.SetDeadline(time.Time{}) }
	}
	if ctx.Done() == nil {
		return func() {}
	}
	done := make(chan struct{})
	remove := context.AfterFunc(ctx, func() {
		_ = file.SetDeadline(longAgo)
		close(done)
	})
	return func() {
		if !remove() {
			<-done
			_ = file.SetDeadline(time.Time{})
		}
	}
}

// contextError is the error of a context that is done: its own, and its cause.
func contextError(ctx context.Context) error {
	if err, cause := ctx.Err(), context.Cause(ctx); err != cause {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return ctx.Err()
}

// timeLimit is a context that is done after a time. Most waits need neither its channel nor a timer: the file's
// deadline does.
type timeLimit struct {
	context.Context
	at    time.Time
	done  chan struct{}
	timer *time.Timer
}

func newTimeLimit(timeout time.Duration) *timeLimit {
	return &timeLimit{Context: context.Background(), at: time.Now().Add(timeout)}
}

func (l *timeLimit) Deadline() (time.Time, bool) { return l.at, true }

func (l *timeLimit) Err() error {
	if time.Now().Before(l.at) {
		return nil
	}
	return context.DeadlineExceeded
}

func (l *timeLimit) Done() <-chan struct{} {
	if l.done == nil {
		l.done = make(chan struct{})
		l.timer = time.AfterFunc(time.Until(l.at), func() { close(l.done) })
	}
	return l.done
}

func (l *timeLimit) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}
