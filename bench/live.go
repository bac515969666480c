package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

// A live comparison reads from a ring buffer that another process writes to at a fixed rate. Only then do the readers do
// the same work: if the producer writes as fast as it can, a reader that is slow falls behind, sleeps less and pays less
// for each record.

// liveRates are in records per second.
var liveRates = []int{10_000, 100_000, 1_000_000, asFastAsItCan}

// liveRun is what one reader and the producer needed for the records of one round.
type liveRun struct {
	cpu      float64 // of this process, ns per record
	produced float64 // the producer's system calls, ns per record
	sleeps   float64 // how often a thread of this process waited, per 1,000 records
	lost     float64 // of 1,000 records
	p50, p99 float64 // latencies, ns
	rate     float64 // records per second
}

// liveWay is a way to read n records, each of which see gets.
type liveWay struct {
	name string
	run  func(n int) (int, error)
	ours bool // it has goals
	// mostRate is the highest rate at which it runs; 0: each.
	mostRate int
}

// livePlan says how many records of a round are read, and of which the latency is measured.
type livePlan struct{ rate, records, every int }

func planFor(rate int) livePlan {
	const round = 5 // a round takes a fifth of a second
	p := livePlan{rate: rate, records: rate / round, every: max(rate/100_000, 1)}
	if rate == asFastAsItCan {
		p.records, p.every = 1_000_000, 64
	}
	return p
}

func (p livePlan) title() string {
	if p.rate == asFastAsItCan {
		return "live: records of 64 bytes, as fast as the producer can"
	}
	return fmt.Sprintf("live: %d records of 64 bytes a second", p.rate)
}

// lives compares the readers at all rates that match.
func lives(o *libbpf.Object, atLeast time.Duration, matches func(title string) bool, done func(table) error) error {
	m, err := o.Map("ring")
	if err != nil {
		return err
	}
	r, err := newLiveRing(m)
	if err != nil {
		return err
	}
	for _, rate := range liveRates {
		plan := planFor(rate)
		if !matches(plan.title()) {
			continue
		}
		t, err := r.compare(o, atLeast, plan)
		if err != nil {
			return fmt.Errorf("%s: %w", plan.title(), err)
		}
		if err := done(t); err != nil {
			return err
		}
	}
	return nil
}

func (r *liveRing) compare(o *libbpf.Object, atLeast time.Duration, plan livePlan) (table, error) {
	samples := make([]uint64, plan.records/plan.every+1)
	at := 0
	see := func(record []byte) {
		if at%plan.every == 0 {
			samples[at/plan.every] = uint64(nanotime()) - binary.NativeEndian.Uint64(record)
		}
		at++
	}
	var ways []liveWay
	for _, way := range []liveWay{
		{name: "C ring_buffer__poll", run: func(n int) (int, error) { return r.c.poll(n, plan.every, samples) }},
		{name: "RingReader.Records", ours: true, run: func(n int) (int, error) { return r.records(n, see) }},
		{name: "RingReader, coalescing 1 ms", run: func(n int) (int, error) { return r.coalesced(n, see) }},
		{name: "RingBuffer.Poll", ours: true, run: func(n int) (int, error) { return r.callbacks(n, see) }},
		{name: liveRival, run: func(n int) (int, error) { return r.readInto(n, see) }},
		// Its Stop may never return while a program writes that fast.
		{name: "libbpfgo channel", mostRate: 10_000, run: func(n int) (int, error) { return r.goRing.take(n, see) }},
	} {
		if way.mostRate == 0 || plan.rate > 0 && plan.rate <= way.mostRate {
			ways = append(ways, way)
		}
	}
	runs := make([][]liveRun, len(ways))
	rounds := 0
	err := withProducer(o, plan.rate, func(p *producer) error {
		for start := time.Now(); rounds < leastRounds || time.Since(start) < atLeast; rounds++ {
			for _, i := range rand.Perm(len(ways)) {
				if err := r.empty(); err != nil {
					return err
				}
				at = 0
				run, err := p.measure(ways[i], plan)
				if err != nil {
					return fmt.Errorf("%s: %w", ways[i].name, err)
				}
				run.addLatencies(samples[:(plan.records+plan.every-1)/plan.every])
				runs[i] = append(runs[i], run)
			}
		}
		return nil
	})
	return plan.table(ways, runs), err
}

// empty takes away what is in the ring.
func (r *liveRing) empty() (err error) {
	for range r.place.Pending(&err) {
	}
	return err
}

// measure runs one reader, and takes all clocks before and after it.
func (p *producer) measure(way liveWay, plan livePlan) (run liveRun, err error) {
	before, lostBefore, err := p.counts()
	if err != nil {
		return run, err
	}
	start, cpu, sleeps := time.Now(), cpuTime(), numSleeps()
	n, err := way.run(plan.records)
	took, cpu, sleeps := time.Since(start), cpuTime()-cpu, numSleeps()-sleeps
	if err != nil || n != plan.records {
		return run, fmt.Errorf("%d records: %w", n, err)
	}
	after, lost, err := p.counts()
	written := float64(after.records - before.records)
	return liveRun{
		cpu:      float64(cpu) / float64(n),
		produced: float64(after.took-before.took) / written,
		sleeps:   float64(sleeps) * 1000 / float64(n),
		lost:     float64(lost-lostBefore) * 1000 / written,
		rate:     float64(n) / took.Seconds(),
	}, err
}

func (run *liveRun) addLatencies(samples []uint64) {
	ns := make([]float64, len(samples))
	for i, sample := range samples {
		ns[i] = float64(sample)
	}
	run.p50, run.p99 = quantile(ns, 0.5), quantile(ns, 0.99)
}

// cpuTime is that of this process, in ns.
func cpuTime() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t)
	return t.Nano()
}

// numSleeps is how often threads of this process have waited.
func numSleeps() int64 {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage)
	return usage.Nvcsw
}

// liveMetrics are the columns of the table, and what to compare.
var liveMetrics = []struct {
	name, unit string
	of         func(liveRun) float64
	toC        bool
}{
	{"CPU time", "ns", func(r liveRun) float64 { return r.cpu }, true},
	{"producer", "ns", func(r liveRun) float64 { return r.produced }, true},
	{"sleeps of 1,000", "", func(r liveRun) float64 { return r.sleeps }, false},
	{"lost of 1,000", "", func(r liveRun) float64 { return r.lost }, false},
	{"p50", "ns", func(r liveRun) float64 { return r.p50 }, true},
	{"p99", "ns", func(r liveRun) float64 { return r.p99 }, true},
	{"records", "/s", func(r liveRun) float64 { return r.rate }, false},
}

const liveRival = "cilium ringbuf ReadInto"

func (p livePlan) table(ways []liveWay, runs [][]liveRun) table {
	t := table{Group: "live", Title: p.title(), Rounds: len(runs[0])}
	all := func(way int, of func(liveRun) float64) (values []float64) {
		for _, run := range runs[way] {
			values = append(values, of(run))
		}
		return values
	}
	rival := slices.IndexFunc(ways, func(w liveWay) bool { return w.name == liveRival })
	for i, way := range ways {
		r := row{Name: way.name}
		for _, column := range liveMetrics {
			m := metric{Name: column.name, Unit: column.unit, Value: spreadOf(all(i, column.of))}
			most := 0.0
			if way.ours {
				most = 1
			}
			if column.toC && i > 0 {
				m.compareToC(ratios(all(i, column.of), all(0, column.of)), most)
			}
			if way.ours && column.name == "CPU time" {
				m.compareToPeer(liveRival, ratios(all(i, column.of), all(rival, column.of)), most)
			}
			r.Metrics = append(r.Metrics, m)
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}
