package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/ctypes"
	"github.com/libbpf-go/libbpf-go/typed"
)

// Streams of soak.bpf.c.
const (
	ofRingBuffer = iota
	ofRingReader
	ofRingChannel
	ofPerfBuffer
	ofPerfReader
)

// tally counts records.
type tally struct{ produced, received, lost, absent atomic.Uint64 }

func (s *soak) streamJobs() []*job {
	var jobs []*job
	for _, stream := range []struct {
		name    string
		number  int
		told    bool // the kernel tells the reader how many records were lost
		consume func(*round) error
	}{
		{"RingBuffer", ofRingBuffer, false, consumeRingBuffer},
		{"RingReader", ofRingReader, false, consumeRingReader},
		{"RingChannel", ofRingChannel, false, consumeRingChannel},
		{"PerfBuffer", ofPerfBuffer, true, consumePerfBuffer},
		{"PerfReader", ofPerfReader, true, consumePerfReader},
	} {
		j := &job{name: stream.name}
		j.cycle = func(r *rand.Rand) error { return s.round(j, r, stream.number, stream.told, stream.consume) }
		jobs = append(jobs, j)
	}
	if s.samples != nil {
		j := &job{name: "UserRingBuffer"}
		j.cycle = func(r *rand.Rand) error { return s.send(j, r) }
		jobs = append(jobs, j)
	}
	return jobs
}

// round is a time in which programs write to a stream, and its records are received. Before and after, there are none.
type round struct {
	*soak
	*rand.Rand
	stream int
	ctx    context.Context // while programs write

	received, lost uint64
	next           map[uint32]uint64 // by CPU: the lowest number that may come
}

const roundTime = time.Second

func (s *soak) round(j *job, r *rand.Rand, stream int, told bool, consume func(*round) error) error {
	ctx, stop := context.WithTimeout(context.Background(), roundTime)
	defer stop()
	x := &round{soak: s, Rand: r, stream: stream, ctx: ctx, next: make(map[uint32]uint64)}
	before := x.totals()
	if err := consume(x); err != nil {
		return err
	}
	after := x.totals()
	produced, full, absent := after.Produced-before.Produced, after.Full-before.Full, after.Absent-before.Absent
	if !told {
		x.lost += full
	}
	if x.received+x.lost+absent != produced || absent > 0 && !s.hotplug {
		return fmt.Errorf("%d produced, but %d received, %d lost (the program: %d), %d without a buffer",
			produced, x.received, x.lost, full, absent)
	}
	j.records.produced.Add(produced)
	j.records.received.Add(x.received)
	j.records.lost.Add(x.lost)
	j.records.absent.Add(absent)
	return nil
}

func (x *round) totals() StreamTotals {
	t := &x.streams.Bss.Totals[x.stream]
	return StreamTotals{
		Produced: atomic.LoadUint64(&t.Produced), Full: atomic.LoadUint64(&t.Full), Absent: atomic.LoadUint64(&t.Absent),
	}
}

// produce makes the program write until the time of the round is over. The result waits for that.
func (x *round) produce() (wait func()) {
	const magic, most = 0x40000000, 512 // of soak.bpf.c
	var producers sync.WaitGroup
	for range 2 {
		r := rand.New(rand.NewPCG(x.Uint64(), x.Uint64()))
		producers.Go(func() {
			for x.ctx.Err() == nil {
				for range r.IntN(8) { // at times more than the buffer has room for
					_, _ = unix.Getpgid(magic + x.stream<<12 + r.IntN(most))
				}
				time.Sleep(time.Duration(r.IntN(1000)) * time.Microsecond)
			}
		})
	}
	return producers.Wait
}

// take receives a record.
func (x *round) take(record *SoakRecord) error {
	if record.Number < x.next[record.CPU] {
		return fmt.Errorf("CPU %d: number %d, and %d came before", record.CPU, record.Number, x.next[record.CPU]-1)
	}
	x.next[record.CPU] = record.Number + 1
	if x.received++; x.received%50_000 == 0 {
		time.Sleep(time.Millisecond) // the buffer overflows
	}
	return nil
}

// poll polls in all ways during the round, and at its end takes the rest.
func (x *round) poll(p interface {
	PollContext(context.Context) (int, error)
	Poll(time.Duration) (int, error)
	Consume() (int, error)
}) error {
	wait := x.produce()
	defer wait()
	for x.ctx.Err() == nil {
		ctx, end := moment(x.Rand)
		var err error
		for ctx.Err() == nil && err == nil {
			_, err = p.PollContext(ctx)
		}
		end()
		if unlessEnded(err) != nil {
			return err
		}
		if _, err := p.Poll(time.Duration(x.IntN(1000)) * time.Microsecond); err != nil {
			return err
		}
		if _, err := p.Consume(); err != nil {
			return err
		}
	}
	wait()
	_, err := p.Consume()
	return err
}

func consumeRingBuffer(x *round) error {
	source, err := typed.NewRingSource(x.streams.Maps.ForBuffer, func(record SoakRecord) error { return x.take(&record) })
	if err != nil {
		return err
	}
	ring, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{source}}.Build()
	if err != nil {
		return err
	}
	defer ring.Close()
	return x.poll(ring)
}

// consumeRingReader opens a reader for each moment. Its loop is ended by the context, by Close or from within.
func consumeRingReader(x *round) error {
	wait := x.produce()
	defer wait()
	read := func(last bool) error {
		reader, err := x.streams.ForReaderReader()
		if err != nil {
			return err
		}
		defer reader.Close()
		if last {
			for record := range reader.Pending(&err) {
				if err := x.take(record); err != nil {
					return err
				}
			}
			return err
		}
		ctx, end := moment(x.Rand)
		defer end()
		if x.IntN(2) == 0 {
			closer := context.AfterFunc(ctx, func() { _ = reader.Close() })
			defer closer()
			ctx = context.Background()
		}
		leaveAt := x.IntN(100_000)
		for record := range reader.Records(ctx, &err) {
			if err := x.take(record); err != nil {
				return err
			}
			if leaveAt--; leaveAt == 0 {
				break
			}
		}
		return unlessClosed(unlessEnded(err))
	}
	for x.ctx.Err() == nil {
		if err := read(false); err != nil {
			return err
		}
	}
	wait()
	return read(true)
}

// consumeRingChannel receives from a channel that is too small.
func consumeRingChannel(x *round) error {
	reader, err := libbpf.NewRingReader(x.streams.Maps.ForChannel)
	if err != nil {
		return err
	}
	defer reader.Close()
	records := make(chan []byte, 100)
	received := make(chan error, 1)
	go func() {
		var err error
		for record := range records {
			value := ctypes.Load[SoakRecord](record)
			err = errors.Join(err, x.take(&value))
		}
		received <- err
	}()
	wait := x.produce()
	var sent, dropped uint64
	for err == nil && x.ctx.Err() == nil {
		channel := libbpf.NewRingChannel(reader, records, libbpf.RingChannelOptions{Drop: x.IntN(2) == 0})
		ctx, end := moment(x.Rand)
		err = unlessEnded(channel.Run(ctx))
		end()
		sent, dropped = sent+channel.Sent(), dropped+channel.Dropped()
	}
	wait()
	close(records)
	err = errors.Join(err, <-received)
	if err != nil {
		return err
	}
	if x.received != sent {
		return fmt.Errorf("%d sent, and %d received", sent, x.received)
	}
	for record := range reader.Pending(&err) {
		value := ctypes.Load[SoakRecord](record)
		if err := x.take(&value); err != nil {
			return err
		}
	}
	x.lost = dropped
	return err
}

func consumePerfBuffer(x *round) error {
	var told uint64
	p, err := libbpf.PerfBufferBuilder{
		Pages: 16,
		Sample: func(_ int, record []byte) error {
			value := ctypes.Load[SoakRecord](record)
			return x.take(&value)
		},
		Lost: func(_ int, count uint64) { told += count },
	}.Build(x.streams.Maps.PerfForBuffer)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := x.poll(p); err != nil {
		return err
	}
	if x.lost, err = p.Lost(); err != nil {
		return err
	}
	if told > x.lost {
		return fmt.Errorf("told of %d losses, and %d were lost", told, x.lost)
	}
	return nil
}

func consumePerfReader(x *round) error {
	reader, err := x.streams.PerfForReaderReader(libbpf.PerfReaderOptions{Pages: 16})
	if err != nil {
		return err
	}
	defer reader.Close()
	wait := x.produce()
	defer wait()
	for x.ctx.Err() == nil {
		ctx, end := moment(x.Rand)
		leaveAt := x.IntN(100_000)
		for _, record := range reader.Records(ctx, &err) {
			if err := x.take(record); err != nil {
				end()
				return err
			}
			if leaveAt--; leaveAt == 0 {
				break
			}
		}
		end()
		if unlessEnded(err) != nil {
			return err
		}
	}
	wait()
	for _, record := range reader.Pending(&err) {
		if err := x.take(record); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	x.lost, err = reader.Lost()
	return err
}
