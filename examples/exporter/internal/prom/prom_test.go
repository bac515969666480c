package prom

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func histogramOf(b model.Buckets, counts ...uint64) model.Family {
	return model.Family{Name: "h", Kind: model.Histogram, Buckets: &b, Series: []model.Series{{
		Counts: counts, Sum: 9, Start: time.Unix(1, 0), Exemplar: &model.Exemplar{
			Labels: []model.Label{{Name: "trace_id", Value: "00ff"}}, Value: 2, Time: time.Unix(100, 0),
		},
	}}}
}

func TestOpenMetrics(t *testing.T) {
	g := &Gatherer{Families: func() []model.Family {
		return []model.Family{
			histogramOf(model.Buckets{Bounds: []float64{0, 2, 4}}, 1, 0, 2, 3),
			{Name: "a", Kind: model.Gauge, Series: []model.Series{{Labels: []model.Label{{Name: "l", Value: "x\"y"}}, Value: -1.5}}},
			{Name: "empty", Kind: model.Gauge},
		}
	}}
	families, err := g.Gather()
	testutil.Check(t, err)
	var text bytes.Buffer
	for _, f := range families {
		_, err := expfmt.MetricFamilyToOpenMetrics(&text, f)
		testutil.Check(t, err)
	}
	const want = `# HELP a 
# TYPE a gauge
a{l="x\"y"} -1.5
# HELP h 
# TYPE h histogram
h_bucket{le="0.0"} 1
h_bucket{le="2.0"} 1 # {trace_id="00ff"} 2.0 100.0
h_bucket{le="4.0"} 3
h_bucket{le="+Inf"} 6
h_sum 9.0
h_count 6
`
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &text, want)
	}
}

func TestNative(t *testing.T) {
	for _, c := range []struct {
		b             model.Buckets
		counts        []uint64
		zero          uint64
		offset        int32
		length        uint32
		deltas        []int64
		sumIsNoNumber bool
	}{
		{model.Buckets{Bounds: make([]float64, 4), Native: true, Zero: true, Exponent: -20}, []uint64{7, 0, 3, 1, 0}, 7, -18, 2, []int64{3, -2}, false},
		{model.Buckets{Bounds: make([]float64, 2), Native: true, Exponent: 1, NoSum: true}, []uint64{5, 0, 6}, 0, 1, 3, []int64{5, -5, 6}, true},
		{model.Buckets{Bounds: make([]float64, 2), Native: true, Exponent: 1}, []uint64{0, 0, 0}, 0, 1, 0, nil, false},
	} {
		f := histogramOf(c.b, c.counts...)
		h := histogram(f.Buckets, &f.Series[0])
		if h.GetSchema() != 0 || h.GetZeroCount() != c.zero || h.PositiveSpan[0].GetOffset() != c.offset ||
			h.PositiveSpan[0].GetLength() != c.length || !slices.Equal(h.PositiveDelta, c.deltas) ||
			math.IsNaN(h.GetSampleSum()) != c.sumIsNoNumber {
			t.Errorf("%+v: %v", c, h)
		}
	}
}

// What OpenMetrics has no room for is left out.
func TestLongExemplar(t *testing.T) {
	if exemplar(&model.Exemplar{Labels: []model.Label{{Name: "l", Value: strings.Repeat("x", 128)}}}) != nil {
		t.Error("it is there")
	}
}
