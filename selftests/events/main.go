// Events produces records on all CPUs while it consumes them: by callbacks from a ring buffer that is too small, in
// place from a larger one, and from a perf buffer. It checks that each record was received exactly once, or was counted
// as lost.
package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/ctypes"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cpus"
	"github.com/libbpf-go/libbpf-go/typed"
)

//go:generate go tool bpfgo gen --target native -I../../bpf/generated events.bpf.c

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "events:", err)
		os.Exit(1)
	}
}

func run() error {
	events, err := load()
	if err != nil {
		return err
	}
	defer events.Close()
	perCPU := 100_000 / runtime.NumCPU()
	want := runtime.NumCPU() * (perCPU + 1) // one more each, at the end
	small, large, perf := newTally("small", want), newTally("large", want), newTally("perf", want)
	source, err := typed.NewRingSource(events.Maps.Small, small.receive)
	if err != nil {
		return err
	}
	ring, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{source}}.Build()
	if err != nil {
		return err
	}
	defer ring.Close()
	reader, err := events.LargeReader()
	if err != nil {
		return err
	}
	defer reader.Close()
	perfBuffer, err := libbpf.PerfBufferBuilder{
		Pages:  8, // for each CPU
		Sample: func(_ int, record []byte) error { return perf.receive(ctypes.Load[Event](record)) },
		Lost:   func(_ int, count uint64) { perf.lost += count },
	}.Build(events.Maps.Perf)
	if err != nil {
		return err
	}
	defer perfBuffer.Close()
	if err := events.Attach(); err != nil {
		return err
	}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 3)
	go func() { ended <- consume(ctx, ring) }()
	go func() { ended <- read(ctx, reader, large) }()
	go func() { ended <- consume(ctx, perfBuffer) }()
	if err := produce(perCPU); err != nil {
		return err
	}
	stop()
	if err := errors.Join(<-ended, <-ended, <-ended); err != nil {
		return err
	}
	// The kernel reports what a CPU's perf buffer lost together with the next record that fits. So write one more
	// record on each CPU.
	if err := produce(1); err != nil {
		return err
	}
	if _, err := ring.Consume(); err != nil {
		return err
	}
	failed := large.take(reader.Pending(&err))
	if err := errors.Join(failed, err); err != nil {
		return err
	}
	if _, err := perfBuffer.Consume(); err != nil {
		return err
	}

	totals := events.Bss.Totals
	small.lost, large.lost = totals.SmallLost, totals.LargeLost
	// Newer kernels, such as Linux 7.2, can preempt the program. Then it does not run for the system calls of other
	// threads on that CPU.
	info, err := events.Programs.OnSysEnter.Info(0)
	if err != nil {
		return err
	}
	missed := info.RecursionMisses
	if totals.Produced > uint64(want) || totals.Produced+missed < uint64(want) {
		return fmt.Errorf("%d records were produced by %d calls, and %d were missed", totals.Produced, want, missed)
	}
	for _, t := range []*tally{small, large, perf} {
		fmt.Printf("events: %s: %d produced = %d received + %d lost\n", t.name, totals.Produced, t.received, t.lost)
		if t.received+t.lost != totals.Produced {
			return fmt.Errorf("%s: %d + %d is not %d", t.name, t.received, t.lost, totals.Produced)
		}
	}
	return nil
}

func load() (*Events, error) {
	open, err := OpenEvents(libbpf.ObjectBuilder{})
	if err != nil {
		return nil, err
	}
	defer open.Close()
	open.Rodata.TargetTGID = uint32(os.Getpid())
	open.Rodata.GetpgidNr = unix.SYS_GETPGID
	return open.Load()
}

// tally has the results for the records of one buffer.
type tally struct {
	name           string
	seen           []bool // by sequence number
	received, lost uint64
}

func newTally(name string, records int) *tally {
	return &tally{name: name, seen: make([]bool, records)}
}

func (t *tally) receive(event Event) error {
	sequence := event.Sequence
	if sequence >= uint64(len(t.seen)) || t.seen[sequence] {
		return fmt.Errorf("%s: number %d came twice or was never written", t.name, sequence)
	}
	t.seen[sequence] = true
	t.received++
	return nil
}

// take receives the records of a loop.
func (t *tally) take(events iter.Seq[*Event]) error {
	for event := range events {
		if err := t.receive(*event); err != nil {
			return err
		}
	}
	return nil
}

// read reads in place until ctx is done.
func read(ctx context.Context, reader *typed.RingReader[Event], t *tally) error {
	var err error
	if err := t.take(reader.Records(ctx, &err)); err != nil {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return nil // consume the rest later
	}
	return err
}

// buffer is the common part of RingBuffer and PerfBuffer.
type buffer interface {
	PollContext(ctx context.Context) (int, error)
	Consume() (int, error)
}

// consume polls until ctx is done, and then consumes the records that arrived after the last poll.
func consume(ctx context.Context, b buffer) error {
	for {
		_, err := b.PollContext(ctx)
		if errors.Is(err, context.Canceled) {
			_, err = b.Consume()
			return err
		}
		if err != nil {
			return err
		}
	}
}

// produce makes calls on each CPU.
func produce(calls int) error {
	_, err := cpus.Each(func() {
		for range calls {
			_, _ = unix.Getpgid(0)
		}
	})
	return err
}
