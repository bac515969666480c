package series

import (
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

func labels(values ...string) (all []model.Label) {
	for _, value := range values {
		all = append(all, model.Label{Name: "l", Value: value})
	}
	return all
}

// A counter never goes back while it lives: not if an element leaves, and not if one begins anew.
func TestCounterIsMonotonic(t *testing.T) {
	table := New(1, 10, "sum")
	a, b := []uint64{0}, []uint64{0}
	s := table.Join(labels("x"), time.Now())
	if table.Join(labels("x"), time.Now()) != s {
		t.Fatal("another series for the same labels")
	}
	for _, step := range []struct {
		last      []uint64
		now, want uint64
		gained    bool
	}{
		{a, 5, 5, true}, {b, 7, 12, true}, {a, 6, 13, true}, {a, 2, 15, true}, {a, 2, 15, false}, {b, 0, 15, false}, {b, 1, 16, true},
	} {
		gained := s.Gain(0, step.last, []uint64{step.now})
		if s.Totals[0] != step.want || gained != step.gained {
			t.Errorf("at %d: %d, %t; want %d, %t", step.now, s.Totals[0], gained, step.want, step.gained)
		}
	}
	table.Leave(s)
	if table.Len() != 1 || s.Totals[0] != 16 {
		t.Error("the series ended with one of two elements")
	}
	table.Leave(s)
	if table.Len() != 0 || len(table.All()) != 0 {
		t.Error("the series outlives its elements")
	}
}

// What has no room counts in one more series, and stays there.
func TestOverflow(t *testing.T) {
	table := New(1, 2, "sum")
	one := table.Join(labels("a", "1"), time.Now())
	table.Join(labels("b", "1"), time.Now())
	c, d := table.Join(labels("c", "1"), time.Now()), table.Join(labels("d", "2"), time.Now())
	if c != d || c.Labels[0].Value != Overflow || c.Labels[1].Value != Overflow || table.Overflowed() != 2 {
		t.Errorf("%+v", c)
	}
	c.Gain(0, []uint64{0}, []uint64{3})
	table.Leave(one)
	if table.Join(labels("e", "1"), time.Now()) == c {
		t.Error("no room where a series has ended")
	}
	table.Leave(c)
	table.Leave(c)
	all := table.All()
	if len(all) != 3 || all[2] != c || c.Totals[0] != 3 || table.Overflowed() != 0 {
		t.Errorf("%d series; %+v", len(all), c)
	}
}

func TestGauges(t *testing.T) {
	for how, want := range map[string]float64{"sum": 4, "max": 5, "min": -1} {
		table := New(1, 2, how)
		s := table.Join(labels("a"), time.Now())
		for snapshot := range uint64(2) {
			table.Set(s, 5, snapshot+1)
			table.Set(s, -1, snapshot+1)
			if s.Gauge != want {
				t.Errorf("%s is %v", how, s.Gauge)
			}
		}
	}
}

func TestOrder(t *testing.T) {
	table := New(1, 10, "sum")
	for _, value := range []string{"c", "a", "b"} {
		table.Join(labels(value), time.Now())
	}
	got := ""
	for _, s := range table.All() {
		got += s.Labels[0].Value
	}
	if got != "abc" {
		t.Error(got)
	}
}
