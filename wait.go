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
