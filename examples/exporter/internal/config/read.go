package config

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Read reads a configuration file. The error says all that is wrong with it, with file and line.
func Read(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, text)
}

// syntax is where the YAML package names a line.
var syntax = regexp.MustCompile(`^yaml: (?:.*?)line (\d+): (.*)$`)

func parse(path string, text []byte) (*Config, error) {
	c := &Config{File: path, Interval: 10 * time.Second, Deadline: 5 * time.Second, MaxSeries: 10000}
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, Place{path, 1}.Errorf("the file is empty")
	} else if err != nil {
		if match := syntax.FindStringSubmatch(err.Error()); match != nil {
			line, _ := strconv.Atoi(match[1])
			return nil, Place{path, line}.Errorf("no YAML: %s", match[2])
		}
		return nil, Place{path, 1}.Errorf("no YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	r := &reader{file: path}
	var second yaml.Node
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		r.errorf(&second, "the file has a second document: there must be one")
	}
	r.mapping(document.Content[0], "the configuration", settings{
		"interval":   r.duration(&c.Interval, "interval", 10*time.Millisecond),
		"deadline":   r.duration(&c.Deadline, "deadline", 0),
		"strict":     r.boolean(&c.Strict, "strict"),
		"max_series": r.number(&c.MaxSeries, "max_series", 1),
		"objects":    r.list("objects", func(n *yaml.Node) { c.Objects = append(c.Objects, r.object(n)) }),
	})
	if len(c.Objects) == 0 && len(r.errors) == 0 {
		r.errorf(document.Content[0], "the configuration has no objects")
	}
	r.unique(c)
	if err := r.err(); err != nil {
		return nil, err
	}
	for _, o := range c.Objects {
		for _, m := range o.Metrics {
			if m.MaxSeries == 0 {
				m.MaxSeries = c.MaxSeries
			}
		}
	}
	return c, nil
}

// unique checks that names are.
func (r *reader) unique(c *Config) {
	objects, metrics, pins := map[string]int{}, map[string]int{}, map[string]int{}
	series := map[string]*Metric{} // by the names that their lines have
	for _, o := range c.Objects {
		if line, ok := objects[o.Name]; ok && o.Name != "" {
			r.errors = append(r.errors, o.At.Errorf("object %q is on line %d, too", o.Name, line))
		}
		objects[o.Name] = o.At.Line
		if line, ok := pins[filepath.Clean(o.Pin)]; ok && o.Pin != "" {
			r.errors = append(r.errors, o.At.Errorf("object %q pins its maps to %s, as that on line %d does: each needs a folder", o.Name, o.Pin, line))
		}
		pins[filepath.Clean(o.Pin)] = o.At.Line
		for _, m := range o.Metrics {
			if line, ok := metrics[m.Name]; ok && m.Name != "" {
				r.errors = append(r.errors, m.At.Errorf("metric %q is on line %d, too", m.Name, line))
			}
			metrics[m.Name] = m.At.Line
			for _, name := range lines(m) {
				if other := series[name]; other != nil && other.Name != m.Name && m.Name != "" {
					r.errors = append(r.errors, m.At.Errorf("metric %q has lines named %s, as %q on line %d has", m.Name, name, other.Name, other.At.Line))
					break
				}
				series[name] = m
			}
		}
	}
}

// lines are the names that the lines of a metric have in Prometheus' formats, with that which OpenMetrics gives a
// counter.
func lines(m *Metric) []string {
	switch m.Kind {
	case Histogram:
		return []string{m.Name, m.Name + "_bucket", m.Name + "_sum", m.Name + "_count", m.Name + "_created"}
	case Counter:
		base := strings.TrimSuffix(m.Name, "_total")
		return []string{m.Name, base, base + "_created"}
	}
	return []string{m.Name}
}

func (r *reader) object(n *yaml.Node) *Object {
	o := &Object{At: r.at(n)}
	r.mapping(n, "an object", settings{
		"name":    r.text(&o.Name, "name"),
		"file":    r.place(&o.File, "file"),
		"btf":     r.text(&o.BTF, "btf"),
		"pin":     r.text(&o.Pin, "pin"),
		"set":     func(n *yaml.Node) { o.Set = r.set(n) },
		"attach":  func(n *yaml.Node) { o.Attach = r.attachments(n) },
		"metrics": r.list("metrics", func(n *yaml.Node) { o.Metrics = append(o.Metrics, r.metric(n)) }),
	})
	if n.Kind != yaml.MappingNode {
		return o
	}
	if o.File.Text == "" {
		r.errorf(n, "an object needs a file")
	}
	if o.Name == "" {
		o.Name, _, _ = strings.Cut(filepath.Base(o.File.Text), ".")
	}
	for _, path := range []*string{&o.File.Text, &o.BTF} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(filepath.Dir(r.file), *path)
		}
	}
	return o
}

func (r *reader) set(n *yaml.Node) (all []Setting) {
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "set must have names of variables and their values, and is %s", kind(n))
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		text, ok := r.scalar(value, "the value of "+name.Value)
		if !ok {
			continue
		}
		if slices.ContainsFunc(all, func(s Setting) bool { return s.Name == name.Value }) {
			r.errorf(name, "set has %q twice", name.Value)
			continue
		}
		s := Setting{At: r.at(name), Name: name.Value, Value: text}
		var err error
		switch value.Tag {
		case "!!bool":
			var b bool
			err = value.Decode(&b)
			s.Value = b
		case "!!float":
			var f float64
			err = value.Decode(&f)
			s.Value = f
		case "!!int":
			var number int64
			if err = value.Decode(&number); err != nil {
				var large uint64
				err = value.Decode(&large)
				s.Value = large
			} else {
				s.Value = number
			}
		}
		if err != nil {
			r.errorf(value, "the value of %s can't be %q", name.Value, text)
			continue
		}
		all = append(all, s)
	}
	return all
}

// attachments reads what to attach. An empty list would be all, which nobody means by it.
func (r *reader) attachments(n *yaml.Node) (all []Attach) {
	r.list("attach", func(n *yaml.Node) {
		a := r.attach(n)
		for _, other := range all {
			if a.Program.Text == other.Program.Text && a.Cgroup == other.Cgroup && a.Interface == other.Interface {
				r.errorf(n, "program %q is attached there on line %d, too", a.Program.Text, other.Program.Line)
			}
		}
		all = append(all, a)
	})(n)
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.errorf(n, "attach is an empty list: leave it out to attach all programs")
	}
	return all
}

func (r *reader) attach(n *yaml.Node) (a Attach) {
	if n.Kind == yaml.ScalarNode {
		a.Program = Text{r.at(n), n.Value}
		return a
	}
	r.mapping(n, "attach", settings{
		"program":   r.place(&a.Program, "program"),
		"cgroup":    r.text(&a.Cgroup, "cgroup"),
		"interface": r.text(&a.Interface, "interface"),
	})
	if a.Program.Text == "" {
		r.errorf(n, "attach needs a program")
	}
	if a.Cgroup != "" && a.Interface != "" {
		r.errorf(n, "a program attaches to a cgroup or to an interface")
	}
	return a
}

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	labelNames = []string{"le", "quantile"} // those that Prometheus sets
)

// Reserved is how the exporter's own metrics begin.
const Reserved = "bpf_exporter_"

// library are how those of Prometheus' library begin, which are on the same page.
var library = []string{"go_", "process_", "promhttp_"}

func (r *reader) metric(n *yaml.Node) *Metric {
	m := &Metric{At: r.at(n), Scale: Scale{1, 0, true}, Combine: "sum"}
	perCPU, kinds, combine := "sum", "", ""
	r.mapping(n, "a metric", settings{
		"name":       r.text(&m.Name, "name"),
		"help":       r.text(&m.Help, "help"),
		"type":       r.oneOf(&kinds, "type", string(Counter), string(Gauge), string(Histogram)),
		"map":        r.place(&m.Map, "map"),
		"value":      r.place(&m.Value, "value"),
		"scale":      r.scale(&m.Scale),
		"per_cpu":    r.oneOf(&perCPU, "per_cpu", "sum", "label"),
		"combine":    r.oneOf(&combine, "combine", "sum", "max", "min"),
		"skip_zero":  r.boolean(&m.SkipZero, "skip_zero"),
		"allow_lru":  r.boolean(&m.AllowLRU, "allow_lru"),
		"max_series": r.number(&m.MaxSeries, "max_series", 1),
		"labels":     r.list("labels", func(n *yaml.Node) { m.Labels = append(m.Labels, r.label(n, "key", "value")) }),
		"buckets":    func(n *yaml.Node) { m.Buckets = r.buckets(n) },
		"exemplar":   func(n *yaml.Node) { m.Exemplar = r.exemplar(n) },
	})
	if n.Kind != yaml.MappingNode {
		return m
	}
	m.Kind, m.PerCPU = Kind(kinds), perCPU == "label"
	if combine != "" {
		m.Combine = combine
	}
	r.checkMetric(n, m, combine)
	return m
}

func (r *reader) checkMetric(n *yaml.Node, m *Metric, combine string) {
	switch {
	case !metricName.MatchString(m.Name):
		r.errorf(n, "a metric needs a name of letters, digits and underscores; %q is none", m.Name)
	case strings.HasPrefix(m.Name, Reserved):
		r.errorf(n, "metric %q: names with %s are those of the exporter itself", m.Name, Reserved)
	case slices.ContainsFunc(library, func(prefix string) bool { return strings.HasPrefix(m.Name, prefix) }):
		r.errorf(n, "metric %q: names with %s are those of Prometheus' library", m.Name, strings.Join(library, ", "))
	case m.Kind == "" && has(n, "type"): // what is wrong with it was said
	case m.Kind == "":
		r.errorf(n, "metric %q needs a type: counter, gauge or histogram", m.Name)
	case m.Kind == Counter && !strings.HasSuffix(m.Name, "_total"):
		r.errorf(n, "metric %q is a counter: its name must end with _total", m.Name)
	case m.Map.Text == "":
		r.errorf(n, "metric %q needs a map", m.Name)
	case m.Kind == Histogram && m.Buckets == nil:
		r.errorf(n, "metric %q is a histogram: it needs buckets", m.Name)
	case m.Kind == Histogram && m.Value.Text != "":
		r.errorf(n, "metric %q is a histogram: its value is in buckets", m.Name)
	case m.Kind != Histogram && m.Buckets != nil:
		r.errorf(n, "metric %q is a %s: only histograms have buckets", m.Name, m.Kind)
	case m.Kind != Gauge && combine != "":
		r.errorf(n, "metric %q is a %s: only gauges are combined in other ways than by their sum", m.Name, m.Kind)
	case m.Kind == Gauge && m.Exemplar != nil:
		r.errorf(n, "metric %q is a gauge: only counters and histograms have exemplars", m.Name)
	case m.Buckets != nil && m.Buckets.Native && !m.Scale.PowerOfTwo:
		r.errorf(n, "metric %q: the buckets of native histograms are powers of two, so the scale must be one, such as 2^-20", m.Name)
	}
	if m.Value.Text == "" && m.Kind != Histogram {
		m.Value = Text{m.At, "."}
	}
	seen := map[string]bool{}
	for _, l := range m.Labels {
		if seen[l.Name] || m.PerCPU && l.Name == "cpu" {
			r.errors = append(r.errors, l.At.Errorf("metric %q has label %q twice", m.Name, l.Name))
		}
		seen[l.Name] = true
	}
}

// label reads a label, from those sources.
func (r *reader) label(n *yaml.Node, sources ...string) Label {
	l := Label{At: r.at(n)}
	known := settings{
		"name":     r.text(&l.Name, "name"),
		"decoders": r.list("decoders", func(n *yaml.Node) { l.Decoders = append(l.Decoders, r.decoder(n)) }),
	}
	for _, source := range sources {
		to := &l.Key
		if source == "value" {
			to = &l.Value
		}
		known[source] = r.place(to, source)
	}
	r.mapping(n, "a label", known)
	if n.Kind != yaml.MappingNode {
		return l
	}
	if !labelName.MatchString(l.Name) || strings.HasPrefix(l.Name, "__") || slices.Contains(labelNames, l.Name) {
		r.errorf(n, "a label needs a name of letters, digits and underscores, not %s; %q is none",
			strings.Join(labelNames, ", "), l.Name)
	}
	if (l.Key.Text == "") == (l.Value.Text == "") {
		r.errorf(n, "label %q needs a field: %s", l.Name, strings.Join(sources, " or "))
	}
	return l
}

func (r *reader) exemplar(n *yaml.Node) *Exemplar {
	e := &Exemplar{At: r.at(n)}
	r.mapping(n, "an exemplar", settings{
		"value":  r.place(&e.Value, "value"),
		"labels": r.list("labels", func(n *yaml.Node) { e.Labels = append(e.Labels, r.label(n, "value")) }),
	})
	if e.Value.Text == "" || len(e.Labels) == 0 {
		r.errorf(n, "an exemplar needs a value and labels")
	}
	return e
}
