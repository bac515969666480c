package run

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/metrics"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// listen takes the address for --metrics before anything is in the kernel.
func (s *session) listen() (err error) {
	if s.opts.metrics == "" {
		return nil
	}
	if s.server, err = metrics.Listen(s.opts.metrics); err != nil {
		return fmt.Errorf("--metrics %s: %w", s.opts.metrics, err)
	}
	return nil
}

// serve begins to answer Prometheus.
func (s *session) serve() {
	if s.server == nil {
		return
	}
	s.server.Serve(s.collect)
	s.env.Note("metrics are at http://%s/metrics", s.server.Address())
}

// collect reads all numbers. It is safe for concurrent use.
func (s *session) collect() []metrics.Family {
	c := &collection{limit: s.opts.metricsLimit, series: map[string]bool{}}
	for _, stream := range s.events.streams {
		c.add("bpfgo_events_total", "Records that were read from a ring buffer or perf buffer.", metrics.Counter,
			float64(stream.seen.Load()), metrics.Label{Name: "map", Value: stream.name})
	}
	if lost, err := s.losses(); err == nil && len(s.events.streams) > 0 {
		const help = "Records that were lost, as far as it is known: by perf buffers, and as programs count them."
		if lost.perfs {
			c.add("bpfgo_lost_events_total", help, metrics.Counter, float64(lost.byPerfs),
				metrics.Label{Name: "counted_by", Value: "perf_buffers"})
		}
		if lost.hasCounter {
			c.add("bpfgo_lost_events_total", help, metrics.Counter, float64(lost.counted),
				metrics.Label{Name: "counted_by", Value: "programs"})
		}
	}
	for _, p := range s.costs() {
		label := metrics.Label{Name: "program", Value: p.name}
		c.add("bpfgo_program_runs_total", "How often a program ran.", metrics.Counter, float64(p.runs), label)
		c.add("bpfgo_program_run_seconds_total", "How long a program ran in total.", metrics.Counter, p.time.Seconds(),
			label)
	}
	for _, v := range s.dumps {
		c.addMap(v.View, s.obj)
	}
	return c.families
}

// collection is the numbers of one answer.
type collection struct {
	families []metrics.Family
	limit    int             // of series of maps
	series   map[string]bool // of maps, by name and labels
}

// add adds a sample. The families have the order in which they come first.
func (c *collection) add(name, help, kind string, value float64, labels ...metrics.Label) {
	i := slices.IndexFunc(c.families, func(f metrics.Family) bool { return f.Name == name })
	if i < 0 {
		i = len(c.families)
		c.families = append(c.families, metrics.Family{Name: name, Help: help, Kind: kind})
	}
	c.families[i].Samples = append(c.families[i].Samples, metrics.Sample{Labels: labels, Value: value})
}

// first tells whether there is no series of this name with these labels yet, and takes it. Prometheus takes nothing at all if
// two are the same, which different keys can become: a text that is not UTF-8, or a_b.c beside a.b_c.
func (c *collection) first(name string, labels []metrics.Label) bool {
	id := name
	for _, l := range labels {
		id += "\x00" + l.Name + "\x00" + metrics.Text(l.Value)
	}
	if c.series[id] {
		return false
	}
	c.series[id] = true
	return true
}

// addMap adds the numbers in the values of a map. The parts of a key are labels.
func (c *collection) addMap(v *view.View, obj *libbpf.Object) {
	// The names of these families are not those of the values of any map.
	label := metrics.Label{Name: "map", Value: v.Name}
	var content view.Content
	m, err := obj.Map(v.Name)
	if err == nil {
		err = v.Rows(m, func(r view.Row) error {
			content.Add(r)
			return nil
		})
	}
	failed := 0.0
	if err != nil { // what was read before the error is there
		failed = 1
	}
	c.add("bpfgo_maps_read_failed", "Whether the map could not be read to its end.", metrics.Gauge, failed, label)
	c.add("bpfgo_maps_entries", "Elements of the map.", metrics.Gauge, float64(content.Entries), label)
	left := 0
	var key, value decode.Value
	for _, r := range content.Rows {
		labels := []metrics.Label{label}
		if !v.Data() {
			labels = keyLabels(labels, v, &key, r.Key)
		}
		if r.CPU >= 0 {
			labels = append(labels, metrics.Label{Name: unused(labels, "cpu"), Value: strconv.Itoa(r.CPU)})
		}
		v.Value.Decode(&value, r.Value)
		name, help := metrics.Name("bpfgo_map", v.Name), "Values of the map "+v.Name+"."
		if v.Data() {
			name, help = "bpfgo_variable", "A global variable of the object."
		}
		eachNumber(&value, name, labels, func(name string, labels []metrics.Label, number float64) {
			if len(c.series) >= c.limit || !c.first(name, labels) {
				left++
				return
			}
			c.add(name, help, metrics.Untyped, number, labels...)
		})
	}
	c.add("bpfgo_maps_series_left_out", "Numbers of the map that are not here, because there are too many, or others with the same labels.", metrics.Gauge,
		float64(left), label)
}

// keyLabels appends the parts of a key as labels.
func keyLabels(labels []metrics.Label, v *view.View, value *decode.Value, key []byte) []metrics.Label {
	if v.Key == nil || v.Type == libbpf.MapTypeLPMTrie {
		return append(labels, metrics.Label{Name: "key", Value: v.KeyText(key)})
	}
	v.Key.Decode(value, key)
	eachLeaf(value, "", func(name string, leaf *decode.Value) {
		if name == "" {
			name = "key"
		}
		labels = append(labels, metrics.Label{Name: unused(labels, metrics.Name(name)), Value: leafText(leaf)})
	})
	return labels
}

// unused is a name that no label has yet.
func unused(labels []metrics.Label, name string) string {
	for slices.ContainsFunc(labels, func(l metrics.Label) bool { return l.Name == name }) {
		name += "_"
	}
	return name
}

// eachLeaf calls f for each part of a value that has no parts itself. The name is that of the part, with those of what it
// is in before it.
func eachLeaf(value *decode.Value, name string, f func(name string, leaf *decode.Value)) {
	switch value.Kind {
	case decode.KindMissing:
	case decode.KindStruct, decode.KindArray:
		for i := range value.Elems {
			part := value.Elems[i].Name
			if value.Kind == decode.KindArray {
				part = strconv.Itoa(i)
			}
			if name != "" && part != "" {
				part = "_" + part
			}
			eachLeaf(&value.Elems[i], name+part, f)
		}
	default:
		f(name, value)
	}
}

func leafText(leaf *decode.Value) string {
	switch leaf.Kind {
	case decode.KindString:
		return string(leaf.Bytes)
	case decode.KindEnum:
		if name := leaf.Enumerator(); name != "" {
			return name
		}
	}
	return fmt.Sprint(leaf.Any())
}

// eachNumber calls f for each number in a value. Elements of arrays have their index as a label.
func eachNumber(
	value *decode.Value, name string, labels []metrics.Label,
	f func(name string, labels []metrics.Label, number float64),
) {
	switch value.Kind {
	case decode.KindStruct:
		for i := range value.Elems {
			part := name
			if value.Elems[i].Name != "" {
				part = metrics.Name(name, value.Elems[i].Name)
			}
			eachNumber(&value.Elems[i], part, labels, f)
		}
	case decode.KindArray:
		index := unused(labels, "index")
		for i := range value.Elems {
			with := append(slices.Clone(labels), metrics.Label{Name: index, Value: strconv.Itoa(i)})
			eachNumber(&value.Elems[i], name, with, f)
		}
	default:
		if number, ok := float(value); ok {
			f(name, labels, number)
		}
	}
}

// float is a number as Prometheus has it.
func float(value *decode.Value) (number float64, ok bool) {
	switch value.Kind {
	case decode.KindMissing, decode.KindString:
		return 0, false
	case decode.KindFloat:
		return value.Float(), true
	case decode.KindPtr:
		return float64(value.Bits), true
	case decode.KindEnum: // which is text in Go
		return float64(int64(value.Bits)), true
	}
	switch n := value.Any().(type) {
	case int8:
		return float64(n), true
	case int16:
		return float64(n), true
	case int32:
		return float64(n), true
	case int64:
		return float64(n), true
	case uint8:
		return float64(n), true
	case uint16:
		return float64(n), true
	case uint32:
		return float64(n), true
	case uint64:
		return float64(n), true
	case bool:
		if n {
			return 1, true
		}
		return 0, true
	case *big.Int:
		number, _ = new(big.Float).SetInt(n).Float64()
		return number, true
	}
	return 0, false
}
