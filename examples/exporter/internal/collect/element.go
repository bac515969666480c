package collect

import (
	"time"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/series"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/source"
)

// column is a metric of a map, and its series.
type column struct {
	*source.Metric
	table *series.Table
	now   []uint64 // the numbers of the element at hand
}

func newColumn(m *source.Metric) *column {
	return &column{
		Metric: m, now: make([]uint64, m.Numbers()), table: series.New(m.Totals(), m.Conf.MaxSeries, m.Conf.Combine),
	}
}

// cell is what is known of an element in a column.
type cell struct {
	made  bool
	parts []part // one, or one for each CPU; none if the element has no series
}

// part is what an element adds to a series.
type part struct {
	series *series.Series
	slot   int
	last   []uint64
}

// make finds the series of an element. It does so once, when the element is new.
func (c *column) make(key []byte, values [][]byte, now time.Time) cell {
	made := cell{made: true}
	if c.Conf.SkipZero && c.zero(values) {
		made.made = false // it may come
		return made
	}
	labels, ok := c.Labels(key, values[0])
	if !ok {
		return made
	}
	add := func(labels []model.Label) {
		p := part{series: c.table.Join(labels, now), slot: c.Slot(key)}
		if c.Conf.Kind != config.Gauge {
			p.last = make([]uint64, len(c.now))
		}
		made.parts = append(made.parts, p)
	}
	if !c.Conf.PerCPU {
		add(labels)
		return made
	}
	for cpu := range values {
		add(append(labels[:len(labels):len(labels)], model.Label{Name: "cpu", Value: cpuName(cpu)}))
	}
	return made
}

func (c *column) zero(values [][]byte) bool {
	for _, value := range values {
		if c.Conf.Kind == config.Gauge {
			if c.Gauge(value) != 0 {
				return false
			}
			continue
		}
		clear(c.now)
		c.Add(c.now, value)
		for _, n := range c.now {
			if n != 0 {
				return false
			}
		}
	}
	return true
}

// read adds the numbers of an element to its series.
func (c *column) read(made *cell, values [][]byte, snapshot uint64, now time.Time) {
	switch {
	case len(made.parts) == 0:
	case c.Conf.PerCPU:
		for cpu := range values {
			c.add(&made.parts[cpu], values[cpu:cpu+1], snapshot, now)
		}
	default:
		c.add(&made.parts[0], values, snapshot, now)
	}
}

// add adds values, each of a CPU, to a series.
func (c *column) add(p *part, values [][]byte, snapshot uint64, now time.Time) {
	if c.Conf.Kind == config.Gauge {
		number := c.Gauge(values[0])
		for _, value := range values[1:] {
			number = series.Combine(c.Conf.Combine, number, c.Gauge(value))
		}
		c.table.Set(p.series, number, snapshot)
		return
	}
	clear(c.now)
	for _, value := range values {
		c.Add(c.now, value)
	}
	if !p.series.Gain(p.slot, p.last, c.now) {
		return
	}
	for _, value := range values {
		if example := c.Exemplar(value, now); example != nil {
			p.series.Exemplar = example
		}
	}
}

// leave takes an element away.
func (c *column) leave(made *cell) {
	for i := range made.parts {
		c.table.Leave(made.parts[i].series)
	}
	made.parts = nil
}

// family is the metric as it is published.
func (c *column) family(now time.Time) model.Family {
	f := model.Family{Name: c.Conf.Name, Help: c.Conf.Help, Buckets: c.Buckets, Time: now, Kind: map[config.Kind]model.Kind{
		config.Counter: model.Counter, config.Gauge: model.Gauge, config.Histogram: model.Histogram,
	}[c.Conf.Kind]}
	all := c.table.All()
	f.Series = make([]model.Series, len(all))
	factor := c.Conf.Scale.Factor
	var counts []uint64 // of all series
	if c.Buckets != nil {
		counts = make([]uint64, len(all)*(len(c.Buckets.Bounds)+1))
	}
	for i, s := range all {
		made := &f.Series[i]
		made.Labels, made.Start, made.Exemplar = s.Labels, s.Start, s.Exemplar
		switch f.Kind {
		case model.Gauge:
			made.Value = s.Gauge * factor
		case model.Counter:
			made.Value = float64(s.Totals[0]) * factor
		case model.Histogram:
			n := copy(counts, s.Totals[:len(c.Buckets.Bounds)+1])
			made.Counts, counts = counts[:n:n], counts[n:]
			if at := c.SumAt(); at >= 0 {
				made.Sum = float64(s.Totals[at]) * factor
			}
		}
	}
	return f
}
