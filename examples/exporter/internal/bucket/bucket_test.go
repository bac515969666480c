package bucket

import (
	"slices"
	"testing"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMake(t *testing.T) {
	unit := config.Scale{Factor: 1, PowerOfTwo: true}
	for _, c := range []struct {
		b     config.Buckets
		scale config.Scale
		n     int
		want  []float64
	}{
		{config.Buckets{Type: config.Exp2}, unit, 4, []float64{2, 4, 8}},
		{config.Buckets{Type: config.Exp2Zero}, unit, 5, []float64{0, 2, 4, 8}},
		{config.Buckets{Type: config.Linear, Start: 10, Width: 5}, unit, 4, []float64{15, 20, 25}},
		{config.Buckets{Type: config.Fixed, Bounds: []float64{1, 10}}, config.Scale{Factor: 0.5}, 3, []float64{0.5, 5}},
	} {
		made, err := Make(&c.b, c.scale, c.n)
		testutil.Check(t, err)
		if !slices.Equal(made.Bounds, c.want) {
			t.Errorf("%+v: %v, want %v", c.b, made.Bounds, c.want)
		}
	}
	for _, c := range []struct {
		b config.Buckets
		n int
	}{
		{config.Buckets{Type: config.Fixed, Bounds: []float64{1}}, 3}, {config.Buckets{Type: config.Exp2}, 66},
		{config.Buckets{Type: config.Linear, Width: 1}, 1},
	} {
		if _, err := Make(&c.b, unit, c.n); err == nil {
			t.Errorf("%+v has %d buckets", c.b, c.n)
		}
	}
}
