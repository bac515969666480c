// Package config reads what the exporter shall do from a YAML file. It knows nothing of what the objects have: package
// source compares the two.
package config

import "time"

// Config is a configuration file.
type Config struct {
	File      string
	Interval  time.Duration // between two snapshots of a map
	Deadline  time.Duration // of a snapshot
	Strict    bool          // an object that can't be loaded ends the exporter
	MaxSeries int           // of a metric that does not say it
	Objects   []*Object
}

// Object is a compiled BPF object, and what of it becomes metrics.
type Object struct {
	At      Place
	Name    string
	File    Text // the object's file, made absolute
	BTF     string
	Pin     string
	Set     []Setting
	Attach  []Attach // empty: all programs, as their sections say
	Metrics []*Metric
}

// Setting is the value of a global variable.
type Setting struct {
	At    Place
	Name  string
	Value any // int64, uint64, float64, bool or string
}

// Attach is a program to attach, and where if its section does not say it.
type Attach struct {
	Program   Text
	Cgroup    string // path of a folder
	Interface string
}

// Kind is the kind of a metric.
type Kind string

// The kinds of metrics.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Metric is what a map becomes.
type Metric struct {
	At        Place
	Name      string
	Help      string
	Kind      Kind
	Map       Text
	Value     Text // the number of a counter or gauge; "." is the value as a whole
	Scale     Scale
	PerCPU    bool   // the CPU is a label
	Combine   string // of gauges: sum, max or min
	SkipZero  bool
	AllowLRU  bool
	MaxSeries int
	Labels    []Label
	Buckets   *Buckets // of a histogram
	Exemplar  *Exemplar
}

// Label is a label, and where its value comes from: a field of the key or, if Value is set, of the value.
type Label struct {
	At       Place
	Name     string
	Key      Text
	Value    Text
	Decoders []Decoder
}

// Decoder makes text of a field. Only the settings of its name are set.
type Decoder struct {
	At        Place
	Name      string
	Values    map[string]string // static_map
	Match     string            // regexp
	Replace   string            // regexp
	Otherwise *string           // static_map, regexp, cgroup, pod: what stands for the rest
	Part      string            // pod
	Delete    bool              // cgroup, pod: remove the element of a cgroup that is gone from the map
	Drop      bool              // regexp without otherwise, cgroup, pod: what does not match has no series
}

// Buckets are the buckets of a histogram.
type Buckets struct {
	At     Place
	Type   string // exp2, exp2_zero, linear or fixed
	Array  Text   // the field of the value with the counts
	Key    Text   // or that of the key with the number of the bucket
	Value  Text   // with Key: the field of the value with the count
	Size   int    // with Key: how many buckets there are
	Sum    Text   // the field of the value with the sum; empty for none
	SumAt  int    // or the bucket that is the sum; -1 for none
	Start  float64
	Width  float64
	Bounds []float64
	Native bool
}

// Exemplar is an example of what was counted, which programs leave in the value.
type Exemplar struct {
	At     Place
	Value  Text
	Labels []Label
}
