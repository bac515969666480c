// Events produces records on all CPUs while it consumes them from two ring buffers and a perf buffer, one of them too
// small, and accounts for each: it was received, once, or is among those that were lost.
package main

import (
	"context"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/selftests"
)

// The pattern matches the source as well: with the object alone, nothing could be built before 'make bpf'.
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
	ring, err := openRings(obj, small, large)
	if err != nil {
		return err
	}
	defer ring.Close()
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
	ended := make(chan error, 2)
	go func() { ended <- consume(ctx, ring) }()
	go func() { ended <- consume(ctx, perfBuffer) }()
	if err := produce(perCPU); err != nil {
		return err
	}
	stop()
	if err := errors.Join(<-ended, <-ended); err != nil {
		return err
	}
	// The kernel reports what a CPU's perf buffer lost with the next record that fits: write one more on each.
	if err := produce(1); err != nil {
		return err
	}
	if _, err := ring.Consume(); err != nil {
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
	if totals.Produced != uint64(want) {
		return fmt.Errorf("%d records were produced by %d calls", totals.Produced, want)
	}
	for _, t := range []*tally{small, large, perf} {
		fmt.Printf("events: %s: %d produced = %d received + %d lost\n", t.name, want, t.received, t.lost)
		if t.received+t.lost != totals.Produced {
			return fmt.Errorf("%s: %d + %d is not %d", t.name, t.received, t.lost, want)
		}
	}
	return nil
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

// tally is what became of the records of one buffer.
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

// openRings makes one RingBuffer for the ring buffers that the tallies are named after.
func openRings(obj *libbpf.Object, tallies ...*tally) (*libbpf.RingBuffer, error) {
	var rings libbpf.RingBufferBuilder
	for _, t := range tallies {
		m, err := obj.Map(t.name)
		if err != nil {
			return nil, err
		}
		if err := rings.Add(m, t.receive); err != nil {
			return nil, err
		}
	}
	return rings.Build()
}

// buffer is what a RingBuffer and a PerfBuffer have in common.
type buffer interface {
	PollContext(ctx context.Context) (int, error)
	Consume() (int, error)
}

// consume polls until ctx is done, and then takes what came between the last look and the end.
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
