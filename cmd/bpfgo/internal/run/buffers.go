package run

import (
	"cmp"
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

func (s *session) openBuffers() error {
	var rings libbpf.RingBufferBuilder
	for _, stream := range s.events.streams {
		m, err := s.obj.Map(stream.name)
		if err != nil {
			return err
		}
		if stream.perf {
			builder := libbpf.PerfBufferBuilder{
				Sample: func(cpu int, record []byte) error { return s.events.event(stream, cpu, record) },
				Lost:   func(_ int, count uint64) { s.told.Add(count) },
			}
			perf, err := builder.Build(m)
			if err != nil {
				return err
			}
			s.perfs = append(s.perfs, perf)
			continue
		}
		rings.Sources = append(rings.Sources, libbpf.RingSource{
			Map: m, Callback: func(record []byte) error { return s.events.event(stream, 0, record) },
		})
	}
	if len(rings.Sources) == 0 {
		return nil
	}
	var err error
	s.rings, err = rings.Build()
	return err
}

// buffers returns all ring buffers and perf buffers.
func (s *session) buffers() []buffer {
	var all []buffer
	if s.rings != nil {
		all = append(all, s.rings)
	}
	for _, perf := range s.perfs {
		all = append(all, perf)
	}
	return all
}

type buffer interface {
	PollContext(ctx context.Context) (int, error)
	Consume() (int, error)
	Close() error
}

// stream shows events until there is a reason to end. The buffers are still read after that, until the caller calls
// stop, which returns the error of reading, if any. interrupted says that a signal was the reason.
func (s *session) stream(signals <-chan os.Signal, commandDone <-chan struct{}) (stop func() error, interrupted bool) {
	ctx, cancel := context.WithCancelCause(context.Background())
	var wg sync.WaitGroup
	for _, b := range s.buffers() {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, err := b.PollContext(ctx)
				err = s.tolerate(b, err)
				if ctx.Err() != nil {
					return
				}
				if err = cmp.Or(err, s.events.flush()); err != nil {
					cancel(err)
				}
			}
		})
	}
	stop = func() error {
		cancel(nil)
		wg.Wait()
		if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}

	var expired, tick <-chan time.Time
	if end, limited := s.opts.end(s.events.began); limited {
		expired = time.After(end)
	}
	if s.opts.interval > 0 {
		ticker := time.NewTicker(s.opts.interval)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-signals:
			return stop, true
		case <-expired:
			return stop, false
		case <-commandDone:
			return stop, false
		case <-ctx.Done():
			return stop, false
		case <-tick:
			if err := s.look(); err != nil {
				cancel(err)
			}
		}
	}
}

// tolerate prints a note when a perf buffer was damaged, by a record of 64 KiB or more, and returns nil: the next call
// continues after the damage. A damaged ring buffer stays damaged.
func (s *session) tolerate(b buffer, err error) error {
	if _, perf := b.(*libbpf.PerfBuffer); !perf || !errors.Is(err, unix.EBADMSG) {
		return err
	}
	s.env.Note("%v", err)
	return nil
}

// consume shows the events that are in a buffer.
func (s *session) consume(b buffer) error {
	for {
		_, err := b.Consume()
		if err == nil || s.tolerate(b, err) != nil {
			return err
		}
	}
}
