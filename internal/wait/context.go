package wait

import (
	"context"
	"fmt"
	"time"
)

// ContextError is the error of a context that is done: its own, and its cause.
func ContextError(ctx context.Context) error {
	if err, cause := ctx.Err(), context.Cause(ctx); err != cause {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return ctx.Err()
}

// ForTime returns a context that is done after a time. It is for one call, and one goroutine at a time. It has no
// channel, and costs nothing until File.Watch watches it.
//
// The time begins with the first look at the context, which sees it not done. So however short the time is, one that
// looks before it does something gets something done.
func ForTime(timeout time.Duration) context.Context {
	return &timeLimit{Context: context.Background(), timeout: timeout}
}

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
