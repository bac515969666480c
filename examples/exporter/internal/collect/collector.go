package collect

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/source"
)

// Collector takes the snapshots of an object's maps. One goroutine at a time uses its tables; anybody may ask for what
// is published.
type Collector struct {
	Loaded *source.Loaded

	interval, deadline time.Duration
	symbols            *decoder.Symbols
	tables             []*table
	log                *slog.Logger

	mu       sync.Mutex
	families [][]model.Family // of each table, as of its last good snapshot
	states   []State
}

// State is how the snapshots of a map go.
type State struct {
	Map       string
	Entries   int
	Capacity  int           // 0 for a map that is never full
	Last      time.Time     // the last good snapshot
	Ended     time.Time     // the last one, good or not
	Took      time.Duration // the last one, good or not
	Snapshots uint64
	Failures  uint64
	Err       error // of the last one
	Metrics   []MetricState
}

// MetricState is how many series a metric has.
type MetricState struct {
	Name               string
	Series, Overflowed int
}

// New makes the collector of an object.
func New(l *source.Loaded, interval, deadline time.Duration, symbols *decoder.Symbols, log *slog.Logger) (*Collector, error) {
	c := &Collector{Loaded: l, interval: interval, deadline: deadline, symbols: symbols, log: log.With("object", l.Conf.Name)}
	for _, t := range l.Targets {
		m, err := l.Map(t)
		if err != nil {
			return nil, err
		}
		c.tables = append(c.tables, newTable(t, m))
		c.states = append(c.states, State{Map: t.Map, Capacity: t.Capacity()})
	}
	c.families = make([][]model.Family, len(c.tables))
	return c, nil
}

// Adopt continues the series of a collector that has stopped, of the same maps of the same object.
func (c *Collector) Adopt(old *Collector) {
	for i, t := range c.tables {
		for j, before := range old.tables {
			if t.Map != before.Map {
				continue
			}
			from := t.adopt(before, c.Loaded.Shares(old.Loaded, t.Map))
			c.inherit(i, old, j, from)
		}
	}
}

// inherit publishes what an old collector has of a map, until the first good snapshot. from tells which of its metrics
// each metric was, or -1.
func (c *Collector) inherit(to int, old *Collector, at int, from []int) {
	old.mu.Lock()
	state, families := old.states[at], old.families[at]
	old.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.states[to]
	s.Snapshots, s.Failures, s.Last, s.Entries = state.Snapshots, state.Failures, state.Last, state.Entries
	for i, metric := range from {
		if metric >= 0 && metric < len(families) { // there are none before the first good snapshot
			family := families[metric]
			family.Help = c.tables[to].columns[i].Conf.Help
			c.families[to] = append(c.families[to], family)
		}
	}
}

// Run takes a snapshot of each map after each interval, until the context ends.
func (c *Collector) Run(ctx context.Context) {
	ticker := time.NewTicker(c.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.Snapshot()
		}
	}
}

// Snapshot takes a snapshot of each map. What fails keeps its last good numbers.
func (c *Collector) Snapshot() {
	for i, t := range c.tables {
		begin := time.Now()
		err := t.read(begin.Add(c.deadline))
		if err != nil {
			c.log.Warn("a snapshot failed; the last good numbers stay", "map", t.Map, "error", err)
		}
		c.publish(i, t, time.Since(begin), err)
	}
	c.symbols.Release()
}

func (c *Collector) publish(i int, t *table, took time.Duration, err error) {
	var families []model.Family
	var metrics []MetricState
	now := time.Now()
	for _, column := range t.columns {
		metrics = append(metrics, MetricState{column.Conf.Name, column.table.Len(), column.table.Overflowed()})
		if err == nil {
			families = append(families, column.family(now))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.states[i]
	s.Took, s.Err, s.Metrics, s.Ended = took, err, metrics, now
	s.Snapshots++
	if err != nil {
		s.Failures++
		return
	}
	s.Last, s.Entries = now, t.entries
	c.families[i] = families
}

// Families are the metrics of the last good snapshots.
func (c *Collector) Families() (all []model.Family) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, families := range c.families {
		all = append(all, families...)
	}
	return all
}

// States are how the snapshots go.
func (c *Collector) States() []State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]State(nil), c.states...)
}

// Ready tells whether there was a good snapshot of each map.
func (c *Collector) Ready() bool {
	for _, s := range c.States() {
		if s.Last.IsZero() {
			return false
		}
	}
	return true
}

// Alive tells whether snapshots are still taken, good or not: a map that is stuck is not alive.
func (c *Collector) Alive() bool {
	const patience = 3
	for _, s := range c.States() {
		if !s.Ended.IsZero() && time.Since(s.Ended) > patience*(c.interval+c.deadline*time.Duration(len(c.tables))) {
			return false
		}
	}
	return true
}
