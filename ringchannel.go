package libbpf

import (
	"context"
	"sync/atomic"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/wait"
)

// RingChannel sends the records of a ring buffer to a channel, a copy of each. A record through a channel costs many
// times what it costs in the loop of a [RingReader]. Use it if the program has to select between several channels.
//
// It never closes the channel, which belongs to the caller. All methods are safe for concurrent use. Only one Run at a
// time works, because only one loop of a RingReader does.
type RingChannel struct {
	reader  *RingReader
	records chan<- []byte
	options RingChannelOptions

	sent, dropped, blocked atomic.Uint64
}

// RingChannelOptions are the options of a [RingChannel].
type RingChannelOptions struct {
	// Drop drops records that find the channel full, and counts them. Without it, they wait in the ring buffer. If that
	// is full, bpf_ringbuf_reserve and bpf_ringbuf_output fail, and the program can count them.
	Drop bool
}

// NewRingChannel returns a RingChannel for the records of reader, which the caller still has to close.
func NewRingChannel(reader *RingReader, records chan<- []byte, options RingChannelOptions) *RingChannel {
	return &RingChannel{reader: reader, records: records, options: options}
}

const opSend = "send records of"

// Run sends records until ctx is done or the reader is closed. The error says why it ended: it matches the error of ctx
// and its cause, or [ErrClosed]. Run starts no goroutine. A record that it could not send stays in the ring buffer, for
// the next Run or loop.
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
			c.reader.ring.Return(record)
			return c.reader.fail(opSend, wait.ContextError(ctx))
		case <-c.reader.closed:
			c.reader.ring.Return(record)
			return c.reader.fail(opSend, ErrClosed)
		}
	}
	return err
}

// Sent returns how many records it has sent to the channel.
func (c *RingChannel) Sent() uint64 {
	if c == nil {
		return 0
	}
	return c.sent.Load()
}

// Dropped returns how many records it has dropped because the channel was full.
func (c *RingChannel) Dropped() uint64 {
	if c == nil {
		return 0
	}
	return c.dropped.Load()
}

// Blocked returns how many records had to wait because the channel was full.
func (c *RingChannel) Blocked() uint64 {
	if c == nil {
		return 0
	}
	return c.blocked.Load()
}

// String is such as `channel of map "events"`.
func (c *RingChannel) String() string {
	if c == nil {
		return "ring channel"
	}
	return "channel of " + c.reader.what
}
