// Package otlp sends metrics by the OpenTelemetry protocol.
package otlp

import (
	"context"
	"encoding/hex"
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

// Scope is the name under which the metrics are sent.
const Scope = "github.com/libbpf-go/libbpf-go/examples/exporter"

// Producer gives the SDK what families returns.
type Producer struct {
	Families func() []model.Family
}

// Produce is that of metric.Producer.
func (p Producer) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	scope := metricdata.ScopeMetrics{Scope: instrumentation.Scope{Name: Scope}}
	for _, f := range p.Families() {
		if len(f.Series) == 0 {
			continue
		}
		m := metricdata.Metrics{Name: f.Name, Description: f.Help}
		switch {
		case f.Kind == model.Counter:
			m.Data = metricdata.Sum[float64]{
				DataPoints: numbers(f), Temporality: metricdata.CumulativeTemporality, IsMonotonic: true,
			}
		case f.Kind == model.Gauge:
			m.Data = metricdata.Gauge[float64]{DataPoints: numbers(f)}
		case f.Buckets.Native:
			m.Data = exponential(f)
		default:
			m.Data = histogram(f)
		}
		scope.Metrics = append(scope.Metrics, m)
	}
	return []metricdata.ScopeMetrics{scope}, nil
}

func numbers(f model.Family) []metricdata.DataPoint[float64] {
	points := make([]metricdata.DataPoint[float64], len(f.Series))
	for i := range f.Series {
		s := &f.Series[i]
		points[i] = metricdata.DataPoint[float64]{
			Attributes: attributes(s.Labels), StartTime: s.Start, Time: f.Time, Value: s.Value, Exemplars: exemplars(s),
		}
		if f.Kind == model.Gauge {
			points[i].StartTime = f.Time
		}
	}
	return points
}

func histogram(f model.Family) metricdata.Histogram[float64] {
	points := make([]metricdata.HistogramDataPoint[float64], len(f.Series))
	for i := range f.Series {
		s := &f.Series[i]
		points[i] = metricdata.HistogramDataPoint[float64]{
			Attributes: attributes(s.Labels), StartTime: s.Start, Time: f.Time, Count: s.Count(), Sum: sum(f, s),
			Bounds: f.Buckets.Bounds, BucketCounts: s.Counts, Exemplars: exemplars(s),
		}
	}
	return metricdata.Histogram[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality}
}

// exponential is a histogram of powers of two: bucket k is that from 2^k to 2^(k+1).
func exponential(f model.Family) metricdata.ExponentialHistogram[float64] {
	points := make([]metricdata.ExponentialHistogramDataPoint[float64], len(f.Series))
	for i := range f.Series {
		s := &f.Series[i]
		p := metricdata.ExponentialHistogramDataPoint[float64]{
			Attributes: attributes(s.Labels), StartTime: s.Start, Time: f.Time, Count: s.Count(), Sum: sum(f, s),
			Exemplars: exemplars(s),
		}
		first := 0
		if f.Buckets.Zero {
			p.ZeroCount, first = s.Counts[0], 1
		}
		p.PositiveBucket = metricdata.ExponentialBucket{
			Offset: int32(f.Buckets.Exponent + first - 1), Counts: s.Counts[first:],
		}
		points[i] = p
	}
	return metricdata.ExponentialHistogram[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality}
}

func sum(f model.Family, s *model.Series) float64 {
	if f.Buckets.NoSum {
		return math.NaN()
	}
	return s.Sum
}

func attributes(labels []model.Label) attribute.Set {
	return attribute.NewSet(pairs(labels)...)
}

func pairs(labels []model.Label) []attribute.KeyValue {
	made := make([]attribute.KeyValue, len(labels))
	for i, l := range labels {
		made[i] = attribute.String(l.Name, l.Value)
	}
	return made
}

// exemplars is the exemplar of a series. Labels with the names of a trace become that.
func exemplars(s *model.Series) []metricdata.Exemplar[float64] {
	if s.Exemplar == nil {
		return nil
	}
	e := metricdata.Exemplar[float64]{Time: s.Exemplar.Time, Value: s.Exemplar.Value}
	for _, l := range s.Exemplar.Labels {
		id, err := hex.DecodeString(l.Value)
		switch {
		case l.Name == "trace_id" && err == nil && len(id) == 16:
			e.TraceID = id
		case l.Name == "span_id" && err == nil && len(id) == 8:
			e.SpanID = id
		default:
			e.FilteredAttributes = append(e.FilteredAttributes, attribute.String(l.Name, l.Value))
		}
	}
	return []metricdata.Exemplar[float64]{e}
}
