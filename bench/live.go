package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"
	_ "unsafe" // for go:linkname

	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

// A second process writes records while this one reads them, so that the CPU time is the readers' alone.

// What the second process is told, and does until its standard input ends.
const (
	bursts = "bursts" // writes as many records as it can
	drops  = "drops"  // writes one record after the other, with pauses in which the reader falls asleep
)

const (
	liveRecords = 500_000
	liveSize    = 64
	pause       = 100 * time.Microsecond
)

// produce is the second process.
func produce(how string) error {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	runtime.LockOSThread()
	pinTo(runtime.NumCPU() - 1)
	sleep := unix.NsecToTimespec(pause.Nanoseconds())
	for {
		select {
		case <-ended:
			return nil
		default:
		}
		switch how {
		case bursts:
			_ = fillBuffer(targetBurst, liveSize)()
		case drops:
			_ = unix.Nanosleep(&sleep, nil)
			_ = fillBuffer(targetStamp, 0)()
		default:
			return fmt.Errorf("%q is no way to produce", how)
		}
	}
}

// pinTo keeps the thread on one CPU, if it can.
func pinTo(cpu int) {
	var set unix.CPUSet
	set.Set(cpu)
	_ = unix.SchedSetaffinity(0, &set)
}

// withProducer runs f while the second process writes.
func withProducer(o *libbpf.Object, how string, f func() error) (err error) {
	cmd := exec.Command("/proc/self/exe", "-produce", how)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stdin.Close(), cmd.Wait()) }()
	memory, offset, err := o.GlobalMemory("producer_tgid")
	if err != nil {
		return err
	}
	defer memory.Close()
	tgid, err := libbpf.MemoryAt[uint32](memory, offset)
	if err != nil {
		return err
	}
	atomic.StoreUint32(tgid, uint32(cmd.Process.Pid))
	defer atomic.StoreUint32(tgid, 0)
	return f()
}

// liveRing are the ways to wait for n records, which see each of them.
type liveRing struct {
	c      *cRing
	place  *libbpf.RingReader
	calls  *libbpf.RingBuffer
	seen   func(record []byte) error
	cilium *ringbuf.Reader
	goRing *goRing
}

var errEnough = errors.New("enough records")

func newLiveRing(m *libbpf.Map) (*liveRing, error) {
	var r liveRing
	var err error
	if r.c, err = newCLiveRing(m.FD()); err != nil {
		return nil, err
	}
	if r.place, err = libbpf.NewRingReader(m); err != nil {
		return nil, err
	}
	see := func(record []byte) error { return r.seen(record) }
	r.calls, err = libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{Map: m, Callback: see}}}.Build()
	if err != nil {
		return nil, err
	}
	theirMap, err := cilium(m)
	if err != nil {
		return nil, err
	}
	if r.cilium, err = ringbuf.NewReader(theirMap); err != nil {
		return nil, err
	}
	r.goRing, err = newGoRing(m)
	return &r, err
}

func (r *liveRing) records(n int, see func([]byte)) (seen int, err error) {
	for record := range r.place.Records(context.Background(), &err) {
		see(record)
		if seen++; seen == n {
			break
		}
	}
	return seen, err
}

// callbacks stops behind the last record that it wants; the next call begins with the one behind it.
func (r *liveRing) callbacks(n int, see func([]byte)) (seen int, err error) {
	r.seen = func(record []byte) error {
		see(record)
		if seen++; seen == n {
			return errEnough
		}
		return nil
	}
	for err == nil {
		_, err = r.calls.Poll(-1)
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return seen, err
}

func (r *liveRing) readInto(n int, see func([]byte)) (int, error) {
	r.cilium.SetDeadline(time.Time{})
	var record ringbuf.Record
	for i := range n {
		if err := r.cilium.ReadInto(&record); err != nil {
			return i, err
		}
		see(record.RawSample)
	}
	return n, nil
}

// live compares reading from a ring that another process writes to all the time.
func live(o *libbpf.Object) ([]comparison, error) {
	m, err := o.Map("ring")
	if err != nil {
		return nil, err
	}
	r, err := newLiveRing(m)
	if err != nil {
		return nil, err
	}
	sum := 0
	see := func(record []byte) { sum += int(record[0]) }
	return []comparison{{
		title: "ring buffer, 64-byte records from a live producer",
		ops:   liveRecords,
		around: func(f func() error) error {
			return withProducer(o, bursts, f)
		},
		contenders: []contender{
			{name: "C ring_buffer__poll", run: func() (int, error) { return r.c.poll(liveRecords, nil) }},
			{
				name: "RingReader.Records", peer: "cilium ringbuf ReadInto", mostPeer: 1,
				run: func() (int, error) { return r.records(liveRecords, see) },
			},
			{
				name: "RingBuffer.Poll", peer: "cilium ringbuf ReadInto", mostPeer: 1,
				run: func() (int, error) { return r.callbacks(liveRecords, see) },
			},
			{name: "cilium ringbuf ReadInto", run: func() (int, error) { return r.readInto(liveRecords, see) }},
			// libbpfgo is not among them: its Stop may never return while a program goes on writing.
		},
	}}, nil
}

//go:linkname nanotime runtime.nanotime
func nanotime() int64

const (
	latencyTitle   = "latency: from a record's time to the reader, a record each 100 us"
	latencySamples = 1000
	mostLatency    = 1.3 // of C's median
)

// latency compares how long records take to arrive at readers that wait.
func latency(o *libbpf.Object, w io.Writer, atLeast time.Duration) error {
	m, err := o.Map("ring")
	if err != nil {
		return err
	}
	r, err := newLiveRing(m)
	if err != nil {
		return err
	}
	samples := make([]uint64, latencySamples)
	var at int
	see := func(record []byte) {
		samples[at] = uint64(nanotime()) - binary.NativeEndian.Uint64(record)
		at++
	}
	ways := []struct {
		name string
		run  func() (int, error)
	}{
		{"C ring_buffer__poll", func() (int, error) { return r.c.poll(latencySamples, samples) }},
		{"RingReader.Records", func() (int, error) { return r.records(latencySamples, see) }},
		{"RingBuffer.Poll", func() (int, error) { return r.callbacks(latencySamples, see) }},
		{"cilium ringbuf ReadInto", func() (int, error) { return r.readInto(latencySamples, see) }},
		{"libbpfgo channel", func() (int, error) { return r.goRing.take(latencySamples, see) }},
	}
	p50, p99 := make([][]float64, len(ways)), make([][]float64, len(ways))
	rounds := 0
	err = withProducer(o, drops, func() error {
		for start := time.Now(); rounds < leastRounds || time.Since(start) < atLeast; rounds++ {
			for i := range ways {
				way := (rounds + i) % len(ways)
				at = 0
				if n, err := ways[way].run(); err != nil || n != latencySamples {
					return fmt.Errorf("%s: %d records: %w", ways[way].name, n, err)
				}
				ns := make([]float64, len(samples))
				for i, sample := range samples {
					ns[i] = float64(sample)
				}
				p50[way] = append(p50[way], quantile(ns, 0.5))
				p99[way] = append(p99[way], quantile(ns, 0.99))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s (%d rounds)\n", latencyTitle, rounds)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tp50 ns\tx C\tgoal\tp99 ns\tx C\t")
	for i, way := range ways {
		ratio, most := quantile(ratios(p50[i], p50[0]), 0.5), 0.0
		if i == 1 || i == 2 {
			most = mostLatency
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t\n", way.name, number(quantile(p50[i], 0.5)), number(ratio),
			goal(ratio, most), number(quantile(p99[i], 0.5)), number(quantile(ratios(p99[i], p99[0]), 0.5)))
	}
	return table.Flush()
}
