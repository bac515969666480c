package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// contender is one way to do what a comparison is about. The first one of a comparison is C's.
type contender struct {
	name string
	// prepare comes before each run and is not measured; it may be nil.
	prepare func() error
	// run does the work once and returns how many operations that were.
	run func() (int, error)
	// peer is the name of the contender that this one competes with; "" for none.
	peer string
	// mostC is how many times C's time it should take at most, mostPeer how many times the peer's; 0 is whatever.
	mostC, mostPeer float64
}

type comparison struct {
	title      string
	ops        int // how many operations each run must do
	contenders []contender
	// open makes the contenders, if they need what should not be there during other comparisons, such as a large map.
	open func(*closers) ([]contender, error)
	// share is what part of the time of other comparisons this one goes on for; 0: all of it.
	share float64
	// curve is what the comparison is one point of: it is the same comparison with more and more of something, at says
	// how much. "" is none.
	curve string
	at    float64
}

// The shares of comparisons that there are many of.
const (
	oneOfSome = 0.25
	oneOfMany = 0.15
)

// closers are what a comparison has opened, the last one first.
type closers []func() error

func (c *closers) add(closer io.Closer) { *c = append(*c, closer.Close) }

func (c *closers) close() (err error) {
	for _, one := range slices.Backward(*c) {
		err = errors.Join(err, one())
	}
	return err
}

// result is what a contender needed: in each round, and how often and how much it allocated.
type result struct {
	contender
	ns     []float64 // per operation
	allocs float64   // per operation
	bytes  float64   // per operation
}

// leastRounds is how often each contender runs, however slow that is.
const leastRounds = 9

// measure lets all contenders run in each round, in turns, so that what disturbs the machine meets them alike.
func (c comparison) measure(atLeast time.Duration, clock int32) (results []result, err error) {
	if c.open != nil {
		var opened closers
		defer func() { err = errors.Join(err, opened.close()) }()
		if c.contenders, err = c.open(&opened); err != nil {
			return nil, fmt.Errorf("%s: %w", c.title, err)
		}
	}
	if c.share != 0 {
		atLeast = time.Duration(float64(atLeast) * c.share)
	}
	results = make([]result, len(c.contenders))
	for i, contender := range c.contenders {
		results[i].contender = contender
		if err := c.countAllocs(&results[i]); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", c.title, contender.name, err)
		}
	}
	start := time.Now()
	for round := 0; round < leastRounds || time.Since(start) < atLeast; round++ {
		// In another order each time: each contender leaves something behind that the next one pays for.
		for _, i := range rand.Perm(len(results)) {
			r := &results[i]
			took, err := c.once(r.contender, clock)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", c.title, r.name, err)
			}
			r.ns = append(r.ns, float64(took.Nanoseconds())/float64(c.ops))
		}
	}
	return results, nil
}

// once is one run: how long it took. Another one comes before it, which is not measured: what the contender before left
// behind, cold caches and threads that were woken for nothing, costs up to a tenth of a run and is not this one's.
func (c comparison) once(contender contender, clock int32) (time.Duration, error) {
	if _, err := c.timed(contender, clock); err != nil {
		return 0, err
	}
	return c.timed(contender, clock)
}

func (c comparison) timed(contender contender, clock int32) (time.Duration, error) {
	if contender.prepare != nil {
		if err := contender.prepare(); err != nil {
			return 0, err
		}
	}
	var start, end unix.Timespec
	if err := unix.ClockGettime(clock, &start); err != nil {
		return 0, err
	}
	ops, err := contender.run()
	if err := unix.ClockGettime(clock, &end); err != nil {
		return 0, err
	}
	took := time.Duration(end.Nano() - start.Nano())
	if err == nil && ops != c.ops {
		err = fmt.Errorf("%d operations done, not %d", ops, c.ops)
	}
	return took, err
}

// countAllocs takes the least of a few runs, because the runtime itself allocates now and then. It warms up, too. What C
// allocates is not in it.
func (c comparison) countAllocs(r *result) error {
	var before, after runtime.MemStats
	for i := range 3 {
		if r.prepare != nil {
			if err := r.prepare(); err != nil {
				return err
			}
		}
		runtime.ReadMemStats(&before)
		ops, err := r.run()
		runtime.ReadMemStats(&after)
		if err != nil {
			return err
		}
		allocs := float64(after.Mallocs-before.Mallocs) / float64(max(ops, 1))
		if bytes := float64(after.TotalAlloc-before.TotalAlloc) / float64(max(ops, 1)); i == 0 || bytes < r.bytes {
			r.allocs, r.bytes = allocs, bytes
		}
	}
	return nil
}

// table is the comparison with its results.
func (c comparison) table(results []result) table {
	t := table{Title: c.title, Rounds: len(results[0].ns), Curve: c.curve, At: c.at}
	for _, r := range results {
		time := metric{Name: "time", Unit: "ns", Value: spreadOf(r.ns)}
		if r.name != results[0].name {
			time.compareToC(ratios(r.ns, results[0].ns), r.mostC)
		}
		if peer := slices.IndexFunc(results, func(p result) bool { return p.name == r.peer }); peer >= 0 {
			time.compareToPeer(r.peer, ratios(r.ns, results[peer].ns), r.mostPeer)
		}
		t.Rows = append(t.Rows, row{Name: r.name, Metrics: []metric{
			time, {Name: "allocations", Value: exactly(r.allocs)}, {Name: "allocated", Unit: "B", Value: exactly(r.bytes)},
		}})
	}
	return t
}
