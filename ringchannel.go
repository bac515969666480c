package libbpf

import (
	"context"
	"sync/atomic"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// RingChannel moves the records of a ring buffer to a channel, each a copy of its own. A channel costs many times what
// a [RingReader] does: it is for programs that select between several.
//
// It never closes the channel, which is the user's. All methods are safe for concurrent use; only one Run goes on at
// a time, since there is one loop of a RingReader at a time.
type RingChannel struct {
	reader  *RingReader
	records chan<- []byte
	options RingChannelOptions

	sent, dropped, blocked atomic.Uint64
}

// RingChannelOptions are the options of a [RingChannel].
type RingChannelOptions struct {
	// Drop makes records that find the channel full be dropped and counted. Otherwise they wait in the ring, where
	// programs count what does not fit.
	Drop bool
}

// NewRingChannel moves the records of reader, which remains the caller's, to a channel.
func NewRingChannel(reader *RingReader, records chan<- []byte, options RingChannelOptions) *RingChannel {
	return &RingChannel{reader: reader, records: records, options: options}
}

const opSend = "send records of"

// Run moves records until ctx is done or the reader is closed, and returns why: ctx's error and its cause, or [ErrClosed].
// It starts no goroutine. A record that could not be sent when it ended is still in the ring, for the next Run or loop.
func (c *RingChannel) Run(ctx context.Context) error {
	if c == nil {
		return (*RingReader)(nil).fail(opSend, ErrClosed)
	}
	if c.records == nil {
		return c.reader.fail(opSend, fault.Invalidf("the channel is nil"))
	}
	var err error
	for record := range c.reader.Copies(ctx, &err) {
		select {
		case c.records <- record:
			c.sent.Add(1)
			continue
		default:
		}
		if c.options.Drop {
			c.dropped.Add(1)
			continue
		}
		c.blocked.Add(1)
		select {
		case c.records <- record:
			c.sent.Add(1)
		case <-ctx.Done():
			c.reader.putBack(record)
			return c.reader.fail(opSend, contextError(ctx))
		case <-c.reader.closed:
			c.reader.putBack(record)
			return c.reader.fail(opSend, ErrClosed)
		}
	}
	return err
}

// Sent is how many records went to the channel.
func (c *RingChannel) Sent() uint64 {
	if c == nil {
		return 0
	}
	return c.sent.Load()
}

// Dropped is how many records were dropped because the channel was full.
func (c *RingChannel) Dropped() uint64 {
	if c == nil {
		return 0
	}
	return c.dropped.Load()
}

// Blocked is how many records had to wait for the channel.
func (c *RingChannel) Blocked() uint64 {
	if c == nil {
		return 0
	}
	return c.blocked.Load()
}
