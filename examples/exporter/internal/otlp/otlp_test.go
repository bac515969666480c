package otlp

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// receive is a collector that keeps what it gets.
func receive(t *testing.T) (*httptest.Server, chan *collector.ExportMetricsServiceRequest) {
	t.Helper()
	got := make(chan *collector.ExportMetricsServiceRequest, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			unzip, err := gzip.NewReader(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			body = unzip
		}
		data, err := io.ReadAll(body)
		request := new(collector.ExportMetricsServiceRequest)
		if err == nil {
			err = proto.Unmarshal(data, request)
		}
		if err != nil || r.URL.Path != "/v1/metrics" {
			http.Error(w, "no metrics", http.StatusBadRequest)
			return
		}
		got <- request
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(server.Close)
	return server, got
}

// A collector gets the numbers, as they are.
func TestSend(t *testing.T) {
	server, got := receive(t)
	begin, now := time.Unix(1000, 0), time.Unix(2000, 0)
	label := []model.Label{{Name: "name", Value: "a"}}
	trace := "000102030405060708090a0b0c0d0e0f"
	example := &model.Exemplar{Labels: []model.Label{{Name: "trace_id", Value: trace}, {Name: "comm", Value: "x"}}, Value: 3, Time: now}
	families := []model.Family{
		{Name: "a_total", Help: "All a.", Kind: model.Counter, Time: now, Series: []model.Series{{Labels: label, Value: 7, Start: begin, Exemplar: example}}},
		{Name: "level", Kind: model.Gauge, Time: now, Series: []model.Series{{Value: -2.5}}},
		{Name: "linear", Kind: model.Histogram, Time: now, Buckets: &model.Buckets{Bounds: []float64{10, 20}},
			Series: []model.Series{{Labels: label, Counts: []uint64{1, 2, 3}, Sum: 99, Start: begin}}},
		{Name: "native", Kind: model.Histogram, Time: now, Buckets: &model.Buckets{Bounds: []float64{0, 2, 4}, Native: true, Zero: true, Exponent: -20},
			Series: []model.Series{{Counts: []uint64{5, 6, 7, 8}, Sum: 1, Start: begin}}},
		{Name: "empty", Kind: model.Gauge},
	}
	sender, err := Start(t.Context(), server.URL+"/", time.Hour, func() []model.Family { return families })
	testutil.Check(t, err)
	testutil.Check(t, sender.Send(t.Context()))
	request := <-got
	resource := request.ResourceMetrics[0]
	service := ""
	for _, a := range resource.Resource.Attributes {
		if a.Key == "service.name" {
			service = a.Value.GetStringValue()
		}
	}
	if service != "bpf_exporter" {
		t.Errorf("the service is %q", service)
	}
	all := map[string]*metrics.Metric{}
	for _, scope := range resource.ScopeMetrics {
		for _, m := range scope.Metrics {
			all[m.Name] = m
		}
	}
	if len(all) != 4 {
		t.Errorf("%d metrics", len(all))
	}
	sum := all["a_total"].GetSum()
	p := sum.DataPoints[0]
	if !sum.IsMonotonic || sum.AggregationTemporality != metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE ||
		p.GetAsDouble() != 7 || p.StartTimeUnixNano != uint64(begin.UnixNano()) || p.TimeUnixNano != uint64(now.UnixNano()) ||
		p.Attributes[0].Key != "name" || p.Attributes[0].Value.GetStringValue() != "a" || all["a_total"].Description != "All a." {
		t.Error(all["a_total"])
	}
	if e := p.Exemplars[0]; hex.EncodeToString(e.TraceId) != trace || e.GetAsDouble() != 3 || e.FilteredAttributes[0].Key != "comm" {
		t.Error(e)
	}
	if v := all["level"].GetGauge().DataPoints[0].GetAsDouble(); v != -2.5 {
		t.Error(v)
	}
	if h := all["linear"].GetHistogram().DataPoints[0]; h.Count != 6 || h.GetSum() != 99 ||
		!slices.Equal(h.BucketCounts, []uint64{1, 2, 3}) || !slices.Equal(h.ExplicitBounds, []float64{10, 20}) {
		t.Error(h)
	}
	// Bucket 1 is that from 2^-20 to 2^-19, which OpenTelemetry gives the number -20.
	if h := all["native"].GetExponentialHistogram().DataPoints[0]; h.Scale != 0 || h.ZeroCount != 5 || h.Count != 26 ||
		h.Positive.Offset != -20 || !slices.Equal(h.Positive.BucketCounts, []uint64{6, 7, 8}) {
		t.Error(h)
	}
	// The end sends the last numbers.
	families = []model.Family{{Name: "a_total", Kind: model.Counter, Series: []model.Series{{Labels: label, Value: 8, Start: begin}}}}
	testutil.Check(t, sender.Close(context.Background()))
	request = <-got
	if v := request.ResourceMetrics[0].ScopeMetrics[0].Metrics[0].GetSum().DataPoints[0].GetAsDouble(); v != 8 {
		t.Error(v)
	}
}
