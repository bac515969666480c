package wait

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// owner has one end of a pair of sockets. Bytes from the other end are its records.
type owner struct {
	t      *testing.T
	file   File
	other  int
	closed atomic.Bool
	waits  chan struct{} // gets a token each time ready finds nothing
}

var errClosed = errors.New("the owner is closed")

func newOwner(t *testing.T) *owner {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fds[1]) })
	o := &owner{t: t, other: fds[1], waits: make(chan struct{}, 1000)}
	err = o.file.Open(fds[0], "socket", func() error {
		if o.closed.Load() {
			return errClosed
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.close)
	return o
}

func (o *owner) close() {
	if o.closed.CompareAndSwap(false, true) {
		o.file.Close()
	}
}

// write makes so many bytes readable.
func (o *owner) write(n int) {
	if _, err := unix.Write(o.other, make([]byte, n)); err != nil {
		o.t.Error(err)
	}
}

// pending is how many bytes there are.
func (o *owner) pending() (n int) {
	_ = o.control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	return n
}

func (o *owner) control(f func(fd uintptr)) error { return o.file.conn.Control(f) }

func (o *owner) ready(uintptr) bool {
	if o.pending() > 0 {
		return true
	}
	o.waits <- struct{}{}
	return false
}

func (o *owner) wait(ctx context.Context) error { return o.file.UntilReadable(ctx, 0, o.ready) }

func want(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || (err == nil) != (want == nil) {
		t.Errorf("%v, want %v", err, want)
	}
}

func TestUntilReadable(t *testing.T) {
	o := newOwner(t)
	go func() {
		<-o.waits
		o.write(1)
	}()
	want(t, o.wait(context.Background()), nil)
	want(t, o.wait(context.Background()), nil) // it is there still
}

// A wait ends when its time has passed, which is no error and spoils no later wait.
func TestWaitsForATime(t *testing.T) {
	o := newOwner(t)
	ctx := context.Background()
	ready := func(uintptr) bool { return o.pending() > 0 }
	want(t, o.file.UntilReadable(ctx, time.Millisecond, ready), nil)
	want(t, o.file.Reason(ctx), nil)
	want(t, o.file.Pause(ctx, time.Millisecond, ready), nil)
	want(t, o.file.Pause(ctx, 1, ready), nil)
	o.file.Unwatch()
	go func() {
		<-o.waits
		time.Sleep(10 * time.Millisecond)
		o.write(1)
	}()
	want(t, o.wait(ctx), nil)
	if o.pending() != 1 {
		t.Error("the time of an earlier wait ended this one")
	}
	want(t, o.file.UntilReadable(ctx, time.Hour, ready), nil)
	o.file.Unwatch()
}

// A wait whose time has passed promises no record.
func TestNoPromiseForATime(t *testing.T) {
	o := newOwner(t)
	ctx, cancel := context.WithCancel(context.Background())
	want(t, o.file.UntilReadable(ctx, time.Millisecond, func(uintptr) bool { return false }), nil)
	cancel()
	want(t, o.file.Reason(ctx), context.Canceled)
	o.file.Unwatch()
}

// What makes the file readable ends a pause, but what was there before does not.
func TestPause(t *testing.T) {
	o := newOwner(t)
	ctx := context.Background()
	go func() {
		<-o.waits
		o.write(1)
	}()
	want(t, o.wait(ctx), nil) // which the poller has told of that byte
	want(t, o.file.Pause(ctx, time.Millisecond, func(uintptr) bool {
		t.Error("it asks for what was there before")
		return true
	}), nil)
	start := time.Now()
	ready := func(uintptr) bool { return o.pending() >= 3 }
	want(t, o.file.Pause(ctx, time.Millisecond, ready), nil)
	if time.Since(start) < time.Millisecond {
		t.Error("it did not wait")
	}
	// It becomes readable twice, and only then it is ready.
	go func() {
		for range 2 {
			time.Sleep(10 * time.Millisecond)
			o.write(1)
		}
	}()
	want(t, o.file.Pause(ctx, time.Hour, ready), nil)
	if n := o.pending(); n != 3 {
		t.Errorf("it ended with %d bytes", n)
	}
	o.file.Unwatch()
}

// The end of a context and of the owner end a wait for a time, whichever deadline is set last.
func TestEndOfWaitForATime(t *testing.T) {
	for _, wait := range []func(*owner, context.Context) error{
		func(o *owner, ctx context.Context) error { return o.file.Pause(ctx, time.Hour, o.ready) },
		func(o *owner, ctx context.Context) error { return o.file.UntilReadable(ctx, time.Hour, o.ready) },
	} {
		o := newOwner(t)
		for i := range 200 {
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				time.Sleep(time.Duration(i) * time.Microsecond)
				cancel()
			}()
			want(t, wait(o, ctx), context.Canceled)
			o.file.Unwatch()
			want(t, o.file.Reason(context.Background()), nil)
			for len(o.waits) > 0 {
				<-o.waits
			}
		}
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		o.file.Watch(ended)
		for !o.file.IsRaised() {
			time.Sleep(time.Microsecond)
		}
		want(t, wait(o, ended), context.Canceled) // whose deadline this wait's replaces
		o.file.Unwatch()
		go func() {
			time.Sleep(time.Millisecond)
			o.close()
		}()
		want(t, wait(o, context.Background()), errClosed)
	}
}

// The end of a context ends a wait, and spoils none that come later.
func TestContextEndsWait(t *testing.T) {
	o := newOwner(t)
	for range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			<-o.waits
			cancel()
		}()
		want(t, o.wait(ctx), context.Canceled)
		o.file.Unwatch() // waits until the news has come
		if !o.file.IsRaised() {
			t.Error("the flag is not raised")
		}
		want(t, o.file.Reason(context.Background()), nil)

		want(t, o.file.Reason(ForTime(time.Millisecond)), nil)
		limit := ForTime(time.Millisecond)
		want(t, o.file.Reason(limit), nil)
		want(t, o.wait(limit), context.DeadlineExceeded)
		o.file.Unwatch()
		want(t, o.file.Reason(context.Background()), nil)
		for len(o.waits) > 0 {
			<-o.waits
		}
	}
	go func() {
		<-o.waits
		o.write(1)
	}()
	want(t, o.wait(context.Background()), nil)
}

// Closing ends a wait. That is its error then, whatever else there is.
func TestCloseEndsWait(t *testing.T) {
	o := newOwner(t)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-o.waits
		o.close()
		cancel()
	}()
	want(t, o.wait(ctx), errClosed)
	want(t, o.file.Reason(ctx), errClosed)
	want(t, o.file.Reason(context.Background()), errClosed)

	// The context is done by now, too. The owner's memory may be gone, so nobody looks for a record.
	<-ctx.Done()
	want(t, o.file.UntilReadable(ctx, 0, func(uintptr) bool { return true }), errClosed)
}

// A record that came before the context was done is promised: the flag stays down until it is handed over, and the next
// look sees that the context is done.
func TestFoundRecordIsPromised(t *testing.T) {
	o := newOwner(t)
	ctx, cancel := context.WithCancel(context.Background())
	o.write(1)
	want(t, o.wait(ctx), nil)
	want(t, o.file.Reason(ctx), nil)
	cancel()
	for len(o.file.ended) == 0 { // which the end of ctx sets behind the flag
		time.Sleep(time.Microsecond)
	}
	if o.file.IsRaised() {
		t.Error("the flag is raised before the record was handed over")
	}
	o.file.Raise() // as Close does
	if !o.file.IsRaised() {
		t.Error("the flag is not raised")
	}
	want(t, o.file.Reason(ctx), context.Canceled)
	o.file.Unwatch()

	// A promise ends with the loop.
	want(t, o.wait(context.Background()), nil)
	o.file.Unwatch()
	want(t, o.file.Reason(ctx), context.Canceled)
}

// A record that comes while the context ends the wait is found.
func TestRecordComesWithEnd(t *testing.T) {
	o := newOwner(t)
	ctx, cancel := context.WithCancel(context.Background())
	looks := 0
	ready := func(uintptr) bool {
		cancel()
		looks++
		return looks > 1 // the file is never readable, so this look is behind the wait
	}
	want(t, o.file.UntilReadable(ctx, 0, ready), nil)
	want(t, o.file.Reason(ctx), nil)
	want(t, o.file.Reason(ctx), context.Canceled)
}

// What Watch has begun, the end of the context raises between two records.
func TestWatch(t *testing.T) {
	o := newOwner(t)
	ctx, cancel := context.WithCancel(context.Background())
	o.file.Watch(ctx)
	o.file.Watch(ctx)
	want(t, o.file.Reason(ctx), nil)
	if o.file.IsRaised() {
		t.Error("the flag is raised")
	}
	cancel()
	for !o.file.IsRaised() {
		time.Sleep(time.Microsecond)
	}
	want(t, o.file.Reason(ctx), context.Canceled)
	o.file.Unwatch()
	o.file.Unwatch()
}

func TestUntilWritable(t *testing.T) {
	o := newOwner(t)
	chunk := make([]byte, 64<<10)
	waits := make(chan struct{}, 1000)
	var failed error
	try := func() (done bool) {
		_ = o.control(func(fd uintptr) { _, failed = unix.Write(int(fd), chunk) })
		if failed == unix.EAGAIN {
			waits <- struct{}{}
			return false
		}
		return true
	}
	for failed != unix.EAGAIN {
		try()
	}
	ctx, cancel := context.WithCancel(context.Background())
	<-waits
	go func() {
		<-waits
		cancel()
	}()
	want(t, o.file.UntilWritable(ctx, try), context.Canceled)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		<-waits
		for buffer := make([]byte, len(chunk)); ; {
			if n, _ := unix.Read(o.other, buffer); n <= 0 {
				return
			}
		}
	}()
	want(t, o.file.UntilWritable(context.Background(), try), nil)
	want(t, failed, nil)
	<-drained
	for failed != unix.EAGAIN {
		try()
	}
	<-waits
	go func() {
		<-waits
		o.close()
	}()
	want(t, o.file.UntilWritable(context.Background(), try), errClosed)
}

// Open takes the descriptor over, also when it fails.
func TestOpenFails(t *testing.T) {
	var f File
	if err := f.Open(-1, "nothing", func() error { return nil }); err == nil {
		t.Error("no error")
	}
}

func TestContextError(t *testing.T) {
	cause := errors.New("the cause")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	want(t, ContextError(ctx), cause)
	want(t, ContextError(ctx), context.Canceled)
	plain, cancelPlain := context.WithCancel(context.Background())
	cancelPlain()
	if err := ContextError(plain); err != context.Canceled {
		t.Error(err)
	}
}

// However short the time is, the first look sees that it has not passed.
func TestForTime(t *testing.T) {
	for range 100 {
		ctx := ForTime(1)
		want(t, ctx.Err(), nil)
		for ctx.Err() == nil {
		}
		want(t, ContextError(ctx), context.DeadlineExceeded)
	}
}

func TestBytesBetweenLooks(t *testing.T) {
	done, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, test := range []struct {
		ctx        context.Context
		most, want uintptr
	}{
		{context.Background(), 1 << 20, 1 << 20},
		{done, 1 << 20, betweenLooks},
		{done, 100, 100},
		{ForTime(1), 1 << 20, 1 << 20},
	} {
		if n := BytesBetweenLooks(test.ctx, test.most); n != test.want {
			t.Errorf("%d, want %d", n, test.want)
		}
	}
}

// watched is a context that counts who wants to hear of its end.
type watched struct {
	context.Context
	times int
}

func (c *watched) Done() <-chan struct{} { return make(chan struct{}) }

func (c *watched) AfterFunc(func()) (stop func() bool) {
	c.times++
	return func() bool { return true }
}

// A context is watched once until Unwatch.
func TestWatchOnce(t *testing.T) {
	o := newOwner(t)
	c := &watched{Context: context.Background()}
	for want := 1; want < 3; want++ {
		o.file.Watch(c)
		if o.file.Watch(c); c.times != want {
			t.Errorf("it is watched %d times, want %d", c.times, want)
		}
		o.file.Unwatch()
	}
}

// Unwatch waits for the last words of a context that ends at this moment.
func TestUnwatchWaits(t *testing.T) {
	o := newOwner(t)
	o.file.unwatch = func() bool {
		go func() {
			time.Sleep(10 * time.Millisecond)
			o.file.end()
		}()
		return false
	}
	if o.file.Unwatch(); !o.file.IsRaised() {
		t.Error("the context ended after Unwatch")
	}
	want(t, o.file.Reason(context.Background()), nil)
	o.write(1)
	want(t, o.wait(context.Background()), nil)
}

func TestCloseRaises(t *testing.T) {
	o := newOwner(t)
	if o.close(); !o.file.IsRaised() {
		t.Error("the flag is not raised")
	}
	want(t, o.file.Reason(context.Background()), errClosed)
}
