package collect

import (
	"slices"
	"time"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/series"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/source"
)

// column is a metric of a map, and its series.
type column struct {
	*source.Metric
	table *series.Table
	bits  []int    // of each number
	now   []uint64 // the numbers of the element at hand, together or of each CPU
}

func newColumn(m *source.Metric) *column {
	combine := ""
	if m.Conf.Kind == config.Gauge {
		combine = m.Conf.Combine
	}
	return &column{Metric: m, bits: m.Bits(), table: series.New(m.Totals(), m.Conf.MaxSeries, combine)}
}

// cell is what is known of an element in a column.
type cell struct {
	made  bool
	parts []part // one, or one for each CPU; none if the element has no series
}

// part is what an element adds to a series.
type part struct {
	series   *series.Series
	slot     int
	last     []uint64 // its numbers: all CPUs together, or each by itself if a number is narrow
	examples []uint64 // a hash of the example of each CPU
}

// make finds the series of an element. It does so once, as soon as it can.
func (c *column) make(key []byte, values [][]byte, since time.Time) cell {
	made := cell{made: true}
	if c.Conf.SkipZero && c.zero(values) {
		made.made = false // it may come
		return made
	}
	labels, known := c.Labels(key, values[0])
	if known != decoder.Known {
		made.made = known == decoder.None
		return made
	}
	add := func(labels []model.Label, cpus int) {
		p := part{series: c.table.Join(labels, since), slot: c.Slot(key)}
		if c.Conf.Kind != config.Gauge {
			p.last = make([]uint64, len(c.numbers(values[:cpus])))
		}
		if c.Conf.Exemplar != nil {
			p.examples = make([]uint64, cpus)
		}
		made.parts = append(made.parts, p)
	}
	if !c.Conf.PerCPU {
		add(labels, len(values))
		return made
	}
	for cpu := range values {
		add(append(labels[:len(labels):len(labels)], model.Label{Name: "cpu", Value: cpuName(cpu)}), 1)
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
		for _, n := range c.numbers([][]byte{value}) {
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
	if !p.series.Gain(p.slot, c.bits, p.last, c.numbers(values)) {
		return
	}
	for cpu := range p.examples { // that of a CPU which has counted nothing is an old one
		hash := c.ExampleHash(values[cpu])
		if hash == p.examples[cpu] {
			continue
		}
		p.examples[cpu] = hash
		if example := c.Exemplar(values[cpu], now); example != nil {
			p.series.Exemplar = example
		}
	}
}

// numbers are the numbers of values, each of a CPU: added up, or one after the other if a number is narrow, so that it
// can be seen where it begins again. They are good until the next call.
func (c *column) numbers(values [][]byte) []uint64 {
	n := len(c.bits)
	narrow := slices.Min(c.bits) < 64
	all := n
	if narrow {
		all *= len(values)
	}
	c.now = slices.Grow(c.now[:0], all)[:all]
	clear(c.now)
	for cpu, value := range values {
		to := c.now
		if narrow {
			to = c.now[cpu*n:]
		}
		c.Add(to, value)
	}
	return c.now
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
