// Package model has metrics as neither Prometheus nor OpenTelemetry has them: what both are made of. A Family that was
// published does not change any more.
package model

import (
	"strings"
	"time"
)

// Kind is the kind of a family.
type Kind uint8

// The kinds.
const (
	Counter Kind = iota
	Gauge
	Histogram
)

// Family is all series of a name.
type Family struct {
	Name, Help string
	Kind       Kind
	Buckets    *Buckets  // of a histogram
	Time       time.Time // when the numbers were read
	Series     []Series  // in the order of their labels
}

// Buckets are how a histogram is divided.
type Buckets struct {
	// Bounds are the upper bounds of all buckets but the last, which has none. A bound belongs to its bucket.
	Bounds []float64
	// Native tells that bucket i is that from 2^(Exponent+i-1) to 2^(Exponent+i). If Zero, bucket 0 has the zeros.
	Native   bool
	Exponent int
	Zero     bool
	// NoSum tells that nobody has added up what was counted.
	NoSum bool
}

// Label is a name and a value, which is UTF-8.
type Label struct{ Name, Value string }

// Series is a counter, a gauge or a histogram.
type Series struct {
	Labels   []Label
	Start    time.Time // when the series began
	Value    float64   // of a counter or gauge
	Counts   []uint64  // of each bucket
	Sum      float64
	Exemplar *Exemplar
}

// Count is how much was counted.
func (s *Series) Count() (n uint64) {
	for _, count := range s.Counts {
		n += count
	}
	return n
}

// Exemplar is an example of what was counted.
type Exemplar struct {
	Labels []Label
	Value  float64
	Time   time.Time
}

// Text is text as both have it: what is not UTF-8 becomes U+FFFD.
func Text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// separator is in no UTF-8.
const separator = "\xff"

// Key is the values of labels as one text, which is that of no other values.
func Key(labels []Label) string {
	var key strings.Builder
	for _, l := range labels {
		key.WriteString(l.Value + separator)
	}
	return key.String()
}
