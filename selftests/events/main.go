// Events produces records on all CPUs while it consumes them: by callbacks from a ring buffer that is too small, in
// place from a larger one, and from a perf buffer. It checks that each record was received exactly once, or was counted
// as lost.
package main

import (
	"context"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/selftests"
)

// The pattern also matches the source. Otherwise nothing could be built before 'make bpf'.
//
//go:embed events.bpf.*
var files embed.FS

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "events:", err)
		os.Exit(1)
	}
}

func run() error {
	obj, err := load()
	if err != nil {
		return err
	}
	defer obj.Close()
	perCPU := 100_000 / runtime.NumCPU()
	want := runtime.NumCPU() * (perCPU + 1) // one more each, at the end
	small, large, perf := newTally("small", want), newTally("large", want), newTally("perf", want)
	ring, err := openRing(obj, small)
	if err != nil {
		return err
	}
	defer ring.Close()
	largeMap, err := obj.Map("large")
	if err != nil {
		return err
	}
	reader, err := libbpf.NewRingReader(largeMap)
	if err != nil {
		return err
	}
	defer reader.Close()
	perfMap, err := obj.Map("perf")
	if err != nil {
		return err
	}
	perfBuffer, err := libbpf.PerfBufferBuilder{
		Pages:  8, // for each CPU
		Sample: func(_ int, record []byte) error { return perf.receive(record) },
		Lost:   func(_ int, count uint64) { perf.lost += count },
	}.Build(perfMap)
	if err != nil {
		return err
	}
	defer perfBuffer.Close()
	if _, err := obj.Attach(); err != nil {
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

	memory, offset, err := obj.GlobalMemory("totals")
	if err != nil {
		return err
	}
	defer memory.Close()
	totals, err := libbpf.MemoryAt[struct{ Produced, SmallLost, LargeLost uint64 }](memory, offset)
	if err != nil {
		return err
	}
	small.lost, large.lost = totals.SmallLost, totals.LargeLost
	missed, err := misses(obj)
	if err != nil {
		return err
	}
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

// misses returns for how many system calls the program did not run, because it was in progress on that CPU for another
// thread: newer kernels, such as Linux 7.2, can preempt it there.
func misses(obj *libbpf.Object) (uint64, error) {
	program, err := obj.Program("on_sys_enter")
	if err != nil {
		return 0, err
	}
	info, err := program.Info(0)
	return info.RecursionMisses, err
}

func load() (*libbpf.Object, error) {
	object, err := files.ReadFile("events.bpf.o")
	if err != nil {
		return nil, err
	}
	open, err := libbpf.ObjectBuilder{Name: "events"}.OpenMemory(object)
	if err != nil {
		return nil, err
	}
	defer open.Close()
	for name, value := range map[string]any{"target_tgid": os.Getpid(), "getpgid_nr": unix.SYS_GETPGID} {
		if err := open.SetGlobal(name, value); err != nil {
			return nil, err
		}
	}
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

func (t *tally) receive(record []byte) error {
	sequence := binary.NativeEndian.Uint64(record)
	if sequence >= uint64(len(t.seen)) || t.seen[sequence] {
		return fmt.Errorf("%s: number %d came twice or was never written", t.name, sequence)
	}
	t.seen[sequence] = true
	t.received++
	return nil
}

// take receives the records of a loop.
func (t *tally) take(records iter.Seq[[]byte]) error {
	for record := range records {
		if err := t.receive(record); err != nil {
			return err
		}
	}
	return nil
}

// openRing opens the ring buffer with the tally's name.
func openRing(obj *libbpf.Object, t *tally) (*libbpf.RingBuffer, error) {
	m, err := obj.Map(t.name)
	if err != nil {
		return nil, err
	}
	return libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{Map: m, Callback: t.receive}}}.Build()
}

// read reads in place until ctx is done.
func read(ctx context.Context, reader *libbpf.RingReader, t *tally) error {
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
	_, err := selftests.OnEachCPU(func() {
		for range calls {
			_, _ = unix.Getpgid(0)
		}
	})
	return err
}
