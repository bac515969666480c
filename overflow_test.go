package libbpf_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cpus"
)

// overflow makes produce write more than any of the buffers holds. Until then the consumer has consumed no more than one
// record, because full is not closed. Then it goes on for a while, and ends the consumer's context.
func overflow(t *testing.T, full chan<- struct{}, produce func(), consume func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var consumer sync.WaitGroup
	consumer.Go(func() { consume(ctx) })
	for range 32 { // 16,384 records
		produce()
	}
	close(full)
	for range 200 {
		produce()
	}
	cancel()
	consumer.Wait()
}

// slowly makes a consumer fall behind, so that records are lost: with the first record it waits until the buffer is
// full.
func slowly(received uint64, full <-chan struct{}) {
	if received == 1 {
		<-full
	}
	if received%10_000 == 0 {
		time.Sleep(2 * time.Millisecond)
	}
}

// ascending counts records, whose numbers come in order and leave gaps where some were lost.
type ascending struct {
	t              testing.TB
	full           chan struct{}
	received, next uint64
}

func (a *ascending) record(data []byte) error {
	if number := binary.NativeEndian.Uint64(data); number < a.next {
		a.t.Fatalf("number %d after %d", number, a.next-1)
	} else {
		a.next = number + 1
	}
	a.received++
	slowly(a.received, a.full)
	return nil
}

// ascendingPerCPU is ascending for records of which each CPU has its own order.
type ascendingPerCPU struct {
	t        testing.TB
	full     chan struct{}
	received uint64
	last     [1024]uint64
}

func (a *ascendingPerCPU) record(cpu int, data []byte) error {
	number := binary.NativeEndian.Uint64(data) + 1
	if number <= a.last[cpu] {
		a.t.Fatalf("CPU %d: number %d after %d", cpu, number-1, a.last[cpu]-1)
	}
	a.last[cpu] = number
	a.received++
	slowly(a.received, a.full)
	return nil
}

// account checks that what was produced was received or lost, and that some of it was lost.
func account(t *testing.T, received, lost, produced uint64) {
	t.Helper()
	t.Logf("%d produced = %d received + %d lost", produced, received, lost)
	if received+lost != produced {
		t.Errorf("%d received + %d lost are not %d produced", received, lost, produced)
	}
	if received == 0 || lost == 0 {
		t.Error("nothing was received, or the buffer did not overflow")
	}
}

// smallStream is stream.bpf.o with a ring that overflows.
func smallStream(t *testing.T) *libbpf.Object {
	return loadStream(t, func(o *libbpf.OpenObject) {
		m, err := o.Map("ring")
		check(t, err)
		check(t, m.SetMaxEntries(1<<15))
	})
}

// No record is lost without being counted, and none delivered twice, while buffers overflow.
func TestOverflow(t *testing.T) {
	testutil.Root(t)
	t.Run("RingReader", func(t *testing.T) {
		o := smallStream(t)
		r := openReader(t, findMap(t, o, "ring"))
		a := ascending{t: t, full: make(chan struct{})}
		overflow(t, a.full, func() { write(toRing, 512) }, func(ctx context.Context) {
			var err error
			for record := range r.Records(ctx, &err) {
				_ = a.record(record)
			}
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		for record := range r.Pending(nil) {
			_ = a.record(record)
		}
		counted := streamTotals(t, o, "ring_totals")
		account(t, a.received, counted.lost, counted.produced)
	})
	t.Run("RingBuffer", func(t *testing.T) {
		o := smallStream(t)
		a := ascending{t: t, full: make(chan struct{})}
		r := openRing(t, o, "ring", a.record)
		overflow(t, a.full, func() { write(toRing, 512) }, func(ctx context.Context) {
			for ctx.Err() == nil {
				if _, err := r.PollContext(ctx); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
		_, err := r.Consume()
		check(t, err)
		counted := streamTotals(t, o, "ring_totals")
		account(t, a.received, counted.lost, counted.produced)
	})
	t.Run("RingChannel", func(t *testing.T) {
		o := smallStream(t)
		r := openReader(t, findMap(t, o, "ring"))
		records := make(chan []byte, 100)
		c := libbpf.NewRingChannel(r, records, libbpf.RingChannelOptions{Drop: true})
		a := ascending{t: t, full: make(chan struct{})}
		var receiver sync.WaitGroup
		receiver.Go(func() {
			for record := range records {
				_ = a.record(record)
			}
		})
		overflow(t, a.full, func() { write(toRing, 512) }, func(ctx context.Context) {
			if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		left := uint64(0)
		for range r.Pending(nil) {
			left++
		}
		close(records)
		receiver.Wait()
		counted := streamTotals(t, o, "ring_totals")
		account(t, a.received+left, c.Dropped()+counted.lost, counted.produced)
		if a.received != c.Sent() {
			t.Errorf("%d received, %d sent", a.received, c.Sent())
		}
	})
	t.Run("PerfBuffer", func(t *testing.T) {
		o := loadStream(t, nil)
		a := ascendingPerCPU{t: t, full: make(chan struct{})}
		var told uint64
		p := openPerf(t, o, libbpf.PerfBufferBuilder{
			Pages:  8,
			Sample: a.record,
			Lost:   func(_ int, n uint64) { told += n },
		})
		overflow(t, a.full, func() { write(toPerf, 512) }, func(ctx context.Context) {
			for ctx.Err() == nil {
				if _, err := p.PollContext(ctx); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
		// The kernel tells of a CPU's last losses with the next record that it writes.
		_, err := p.Consume()
		check(t, err)
		_, err = cpus.Each(func() { write(toPerf, 1) })
		check(t, err)
		_, err = p.Consume()
		check(t, err)
		counted := streamTotals(t, o, "perf_totals")
		account(t, a.received, told, counted.produced)
		if lost, err := p.Lost(); err == nil && lost != told {
			t.Errorf("%d lost, and %d told", lost, told)
		}
	})
	t.Run("PerfReader", func(t *testing.T) {
		o := loadStream(t, nil)
		a := ascendingPerCPU{t: t, full: make(chan struct{})}
		r, err := libbpf.NewPerfReader(findMap(t, o, "perf"), libbpf.PerfReaderOptions{Pages: 8})
		check(t, err)
		defer r.Close()
		pending := func() {
			var err error
			for cpu, record := range r.Pending(&err) {
				_ = a.record(cpu, record)
			}
			check(t, err)
		}
		overflow(t, a.full, func() { write(toPerf, 512) }, func(ctx context.Context) {
			var err error
			for cpu, record := range r.Records(ctx, &err) {
				_ = a.record(cpu, record)
			}
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		pending()
		_, err = cpus.Each(func() { write(toPerf, 1) }) // Lost before Linux 6.0
		check(t, err)
		pending()
		lost, err := r.Lost()
		check(t, err)
		counted := streamTotals(t, o, "perf_totals")
		account(t, a.received, lost, counted.produced)
	})
	t.Run("UserRingBuffer", func(t *testing.T) {
		r := openUserRing(t)
		var produced, lost uint64
		full := make(chan struct{})
		overflow(t, full, func() {
			for range 512 {
				sample, err := r.Reserve(24)
				produced++
				if errors.Is(err, unix.ENOSPC) {
					lost++
					continue
				}
				check(t, err)
				fillSample(sample, produced)
				check(t, sample.Submit())
			}
		}, func(ctx context.Context) {
			<-full
			for ctx.Err() == nil {
				testRun(t, r.drainer)
				time.Sleep(100 * time.Microsecond)
			}
		})
		r.drain()
		seen, err := libbpf.MemoryAt[uint64](r.drained, r.at)
		check(t, err)
		account(t, *seen, lost, produced)
	})
}
