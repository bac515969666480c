package libbpf

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/perf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// perfInMemory is a PerfBuffer with buffers in memory of the test's own, which says what each CPU has written.
type perfInMemory struct {
	*PerfBuffer
	heads, tails []*uint64
	data         [][]byte
}

// perfEvent is how many bytes each event in memory takes.
const perfEvent = 64

func newPerfInMemory(t *testing.T, cpus int) *perfInMemory {
	t.Helper()
	const size = 128 << 10
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	testutil.Check(t, err)
	p := &perfInMemory{PerfBuffer: new(PerfBuffer)}
	for cpu := range cpus {
		page, data := make([]uint64, 512), make([]uint64, size/8)
		// data_head and data_tail of struct perf_event_mmap_page.
		p.heads, p.tails = append(p.heads, &page[1024/8]), append(p.tails, &page[1032/8])
		p.data = append(p.data, unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), size))
		p.rings = append(p.rings, perfRing{Buffer: perf.NewBuffer(cpu, unsafe.Pointer(&page[0]), p.data[cpu])})
	}
	p.d.source = p.PerfBuffer
	testutil.Check(t, p.d.start("perf buffer", epoll, func() { _ = unix.Close(epoll) }))
	return p
}

// write writes n records.
func (p *perfInMemory) write(cpu, n int) {
	for range n {
		event := make([]byte, perfEvent)
		binary.NativeEndian.PutUint32(event[8:], perfEvent-12)
		p.event(cpu, unix.PERF_RECORD_SAMPLE, event)
	}
}

// writeLoss tells of a lost record.
func (p *perfInMemory) writeLoss(cpu int) {
	event := make([]byte, 24)
	binary.NativeEndian.PutUint64(event[16:], 1)
	p.event(cpu, unix.PERF_RECORD_LOST, event)
}

func (p *perfInMemory) event(cpu int, kind uint32, event []byte) {
	binary.NativeEndian.PutUint32(event, kind)
	binary.NativeEndian.PutUint16(event[6:], uint16(len(event)))
	copy(p.data[cpu][*p.heads[cpu]:], event)
	*p.heads[cpu] += uint64(len(event))
}

func (p *perfInMemory) receive(ctx context.Context) (int, error) {
	if err := p.d.enter("read"); err != nil {
		return 0, err
	}
	defer p.d.leave()
	return p.consume(ctx, everything)
}

// Buffers have their turns, of about as many bytes as a lease. The space of what was handed over is given back at the
// end of the turn.
func TestPerfBufferTurns(t *testing.T) {
	const most, lease = 1200, perfLease / perfEvent
	for name, test := range map[string]struct{ written, want []int }{
		"both full":   {[]int{most, most}, []int{lease + 1, lease, lease, lease, most - 2*lease - 1, most - 2*lease}},
		"first full":  {[]int{most, 2}, []int{lease + 1, 2, most - lease - 1}},
		"second full": {[]int{1, most}, []int{1, most}},
		"few":         {[]int{1, 1}, []int{1, 1}},
		"none":        {[]int{0, 0}, nil},
		"three":       {[]int{2, 3, 4}, []int{2, 3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPerfInMemory(t, len(test.written))
			defer p.Close()
			var turns []int
			seen, last, sum := make([]int, len(test.written)), -1, 0
			p.receiver.Sample = func(cpu int, _ []byte) error {
				if cpu != last {
					turns = append(turns, 0)
					if last >= 0 && *p.tails[last] != uint64(seen[last]*perfEvent) {
						t.Errorf("turn %d: %d bytes of CPU %d are given back, not %d", len(turns), *p.tails[last], last, seen[last]*perfEvent)
					}
				}
				if held := uint64(seen[cpu]*perfEvent) - *p.tails[cpu]; held > perfLease+perfEvent {
					t.Fatalf("%d bytes are held back", held)
				}
				last = cpu
				turns[len(turns)-1]++
				seen[cpu]++
				sum++
				return nil
			}
			for cpu, n := range test.written {
				p.write(cpu, n)
			}
			ctx, cancel := context.WithCancel(context.Background()) // which it looks at, every KiB
			defer cancel()
			if n, err := p.receive(ctx); n != sum || err != nil {
				t.Errorf("%d records, %v, %d were handed over", n, err, sum)
			}
			if !slices.Equal(turns, test.want) || !slices.Equal(seen, test.written) || p.pending() {
				t.Errorf("turns of %d records, want %d; of each CPU %d, want %d", turns, test.want, seen, test.written)
			}
		})
	}
}

// A call begins with the buffer behind the one where the call before has ended.
func TestPerfBufferGoesOnBehind(t *testing.T) {
	stop := errors.New("stop")
	p := newPerfInMemory(t, 3)
	defer p.Close()
	first := -1
	p.receiver.Sample = func(cpu int, _ []byte) error {
		first = cpu
		return stop
	}
	for cpu := range 3 {
		p.write(cpu, 10)
	}
	for round := range 6 {
		if n, err := p.receive(context.Background()); n != 1 || err != stop || first != round%3 {
			t.Errorf("round %d: %d records, %v, the first of CPU %d", round, n, err, first)
		}
		if tail := *p.tails[first]; tail != uint64(round/3+1)*perfEvent {
			t.Errorf("round %d: %d bytes are given back", round, tail)
		}
	}
	// One alone is the first and the last of its call.
	for range 2 {
		for cpu := range 3 {
			if n, err := p.ConsumeBuffer(cpu); n != 1 || err != stop || first != cpu {
				t.Errorf("%d records, %v, the first of CPU %d, not %d", n, err, first, cpu)
			}
		}
	}
}

// What a callback does to its context or its buffer counts from its record on, whatever came before.
func TestPerfBufferEndsAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		write  func(p *perfInMemory)
		inLost bool // it ends when a loss is told
		n      int
	}{
		"first record":          {func(p *perfInMemory) { p.write(0, 5) }, false, 1},
		"only record":           {func(p *perfInMemory) { p.write(0, 1) }, false, 1},
		"after an empty buffer": {func(p *perfInMemory) { p.write(1, 5) }, false, 1},
		"first loss":            {func(p *perfInMemory) { p.writeLoss(0); p.write(0, 5) }, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, closes := range []bool{false, true} {
				p := newPerfInMemory(t, 2)
				defer p.Close()
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				end := func() {
					cancel()
					if closes {
						testutil.Check(t, p.Close())
					}
				}
				p.receiver.Sample = func(int, []byte) error {
					if !test.inLost {
						end()
					}
					return nil
				}
				p.receiver.Lost = func(int, uint64) { end() }
				test.write(p)
				n, err := p.receive(ctx)
				switch {
				case closes:
					testutil.WantErr(t, err, ErrClosed)
				case test.n == 0:
					testutil.WantErr(t, err, context.Canceled)
				default:
					testutil.Check(t, err)
				}
				if n != test.n {
					t.Errorf("closes: %v: %d records, want %d", closes, n, test.n)
				}
			}
		})
	}
}
