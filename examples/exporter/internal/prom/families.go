// Package prom shows metrics to Prometheus.
package prom

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

// Gatherer gathers what families returns, together with the metrics of others.
//
// client_golang's registry makes each metric by calls of its own, sorts its labels and compares it with all others. The
// families are made, sorted and unique already, so they go to the encoder as they are.
type Gatherer struct {
	Families func() []model.Family
	Others   prometheus.Gatherer // nil for none
}

// Gather is that of prometheus.Gatherer.
func (g *Gatherer) Gather() ([]*dto.MetricFamily, error) {
	var all []*dto.MetricFamily
	var err error
	if g.Others != nil {
		all, err = g.Others.Gather()
	}
	for _, f := range g.Families() {
		if len(f.Series) > 0 {
			all = append(all, family(f))
		}
	}
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return all, err
}

var kinds = map[model.Kind]*dto.MetricType{
	model.Counter: dto.MetricType_COUNTER.Enum(), model.Gauge: dto.MetricType_GAUGE.Enum(),
	model.Histogram: dto.MetricType_HISTOGRAM.Enum(),
}

func family(f model.Family) *dto.MetricFamily {
	made := &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: kinds[f.Kind], Metric: make([]*dto.Metric, len(f.Series))}
	for i := range f.Series {
		s := &f.Series[i]
		m := &dto.Metric{Label: labels(s.Labels)}
		switch f.Kind {
		case model.Counter:
			m.Counter = &dto.Counter{
				Value: &s.Value, Exemplar: exemplar(s.Exemplar), CreatedTimestamp: timestamppb.New(s.Start),
			}
		case model.Gauge:
			m.Gauge = &dto.Gauge{Value: &s.Value}
		case model.Histogram:
			m.Histogram = histogram(f.Buckets, s)
		}
		made.Metric[i] = m
	}
	return made
}

func labels(labels []model.Label) []*dto.LabelPair {
	pairs := make([]dto.LabelPair, len(labels))
	made := make([]*dto.LabelPair, len(labels))
	for i := range labels {
		pairs[i].Name, pairs[i].Value = &labels[i].Name, &labels[i].Value
		made[i] = &pairs[i]
	}
	return made
}

// exemplar is an exemplar, or nil if it is longer than the format allows.
func exemplar(e *model.Exemplar) *dto.Exemplar {
	if e == nil {
		return nil
	}
	runes := 0
	for _, l := range e.Labels {
		runes += utf8.RuneCountInString(l.Name) + utf8.RuneCountInString(l.Value)
	}
	if runes > prometheus.ExemplarMaxRunes {
		return nil
	}
	return &dto.Exemplar{Label: labels(e.Labels), Value: &e.Value, Timestamp: timestamppb.New(e.Time)}
}
