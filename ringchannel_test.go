package libbpf_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

// runChannel runs the channel in the background until stop, which returns what Run returned.
func runChannel(t *testing.T, c *libbpf.RingChannel) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(cancel)
	return func() error {
		cancel()
		return <-done
	}
}

func TestRingChannelBlocks(t *testing.T) {
	r := newReader(t, 1<<18)
	s := sequence{t: t}
	records := make(chan []byte, 10)
	c := libbpf.NewRingChannel(r, records, libbpf.RingChannelOptions{})
	goroutines := runtime.NumGoroutine()
	stop := runChannel(t, c)
	write(toRing, 100)
	for range 50 {
		s.record(<-records)
	}
	for c.Blocked() == 0 || len(records) < 10 {
		runtime.Gosched()
	}
	wantErr(t, stop(), context.Canceled)
	for runtime.NumGoroutine() > goroutines {
		runtime.Gosched()
	}
	if sent := c.Sent(); sent != 60 || c.Dropped() != 0 || len(records) != 10 {
		t.Errorf("%d sent, %d dropped, %d in the channel", sent, c.Dropped(), len(records))
	}
	for range 10 {
		s.record(<-records) // it is not closed
	}
	// The rest is in the ring, the one that was about to be sent too.
	stop = runChannel(t, c)
	for range 20 {
		s.record(<-records)
	}
	for len(records) < 10 {
		runtime.Gosched()
	}
	// It waits for the channel when it is stopped.
	wantErr(t, stop(), context.Canceled)
	for range 10 {
		s.record(<-records)
	}
	if n := s.pending(r); n != 10 || s.next != 100 {
		t.Errorf("%d records in the ring, %d in all", n, s.next)
	}
}

func TestRingChannelClose(t *testing.T) {
	r := newReader(t, 1<<18)
	records := make(chan []byte)
	c := libbpf.NewRingChannel(r, records, libbpf.RingChannelOptions{})
	done := make(chan error)
	go func() { done <- c.Run(context.Background()) }()
	write(toRing, 1)
	for c.Blocked() == 0 {
		runtime.Gosched()
	}
	check(t, r.Close())
	wantErr(t, <-done, libbpf.ErrClosed)
	wantErr(t, c.Run(context.Background()), libbpf.ErrClosed)
	select {
	case record, open := <-records:
		t.Errorf("%v, %v", record, open)
	default:
	}
	wantErr(t, libbpf.NewRingChannel(nil, records, libbpf.RingChannelOptions{}).Run(context.Background()), libbpf.ErrClosed)
	without := libbpf.NewRingChannel(r, nil, libbpf.RingChannelOptions{})
	wantErrSaying(t, without.Run(context.Background()), libbpf.ErrInvalid, `send records of map "ring": the channel is nil`)
	if text := without.String(); text != `channel of map "ring"` {
		t.Error(text)
	}
}

func TestRingChannelNil(t *testing.T) {
	var none *libbpf.RingChannel
	wantErrSaying(t, none.Run(context.Background()), libbpf.ErrClosed, "send records of ring buffer: ")
	if text := none.String(); text != "ring channel" {
		t.Error(text)
	}
	if none.Sent()+none.Dropped()+none.Blocked() != 0 {
		t.Error("a nil channel has counts")
	}
}

// Each record is sent or counted.
func TestRingChannelDrops(t *testing.T) {
	r := newReader(t, 1<<18)
	s := sequence{t: t}
	records := make(chan []byte, 10)
	c := libbpf.NewRingChannel(r, records, libbpf.RingChannelOptions{Drop: true})
	stop := runChannel(t, c)
	write(toRing, 1000)
	for c.Sent()+c.Dropped() < 1000 {
		time.Sleep(time.Millisecond)
	}
	if c.Sent() != 10 || c.Dropped() != 990 || c.Blocked() != 0 {
		t.Errorf("%d sent, %d dropped, %d blocked", c.Sent(), c.Dropped(), c.Blocked())
	}
	for range 10 {
		s.record(<-records)
	}
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
