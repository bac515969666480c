package series

import (
	"slices"
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
	table := New(1, 10, "")
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
		gained := s.Gain(0, []int{64}, step.last, []uint64{step.now})
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

// If one number of an element went back, the element is another one: the others count from zero, too.
func TestGainOfNewElement(t *testing.T) {
	s := New(3, 1, "").Join(labels("x"), time.Now())
	last := []uint64{0, 0}
	for _, now := range [][]uint64{{10, 5}, {2, 7}, {3, 7}} {
		s.Gain(1, []int{64, 64}, last, now)
	}
	if want := []uint64{0, 13, 12}; !slices.Equal(s.Totals, want) {
		t.Errorf("%v, want %v", s.Totals, want)
	}
}

// A narrow number begins again at zero when it has been at its largest, on each CPU by itself.
func TestGainOfNarrowNumbers(t *testing.T) {
	s := New(1, 1, "").Join(labels("x"), time.Now())
	last := []uint64{0, 0}
	for _, step := range []struct {
		now  []uint64
		want uint64
	}{
		{[]uint64{250, 1}, 251}, {[]uint64{4, 2}, 262}, {[]uint64{4, 250}, 510}, {[]uint64{3, 250}, 763},
	} {
		s.Gain(0, []int{8}, last, step.now)
		if s.Totals[0] != step.want {
			t.Errorf("at %v: %d, want %d", step.now, s.Totals[0], step.want)
		}
	}
}

// The overflow of a gauge ends with its last element.
func TestOverflowOfGaugeEnds(t *testing.T) {
	table := New(1, 1, "max")
	table.Join(labels("a"), time.Now())
	b := table.Join(labels("b"), time.Now())
	if len(table.All()) != 2 {
		t.Error(table.All())
	}
	table.Leave(b)
	if len(table.All()) != 1 || table.Overflowed() != 0 {
		t.Error(table.All())
	}
}

// What has no room counts in one more series, and stays there.
func TestOverflow(t *testing.T) {
	table := New(1, 2, "")
	one := table.Join(labels("a", "1"), time.Now())
	table.Join(labels("b", "1"), time.Now())
	c, d := table.Join(labels("c", "1"), time.Now()), table.Join(labels("d", "2"), time.Now())
	if c != d || c.Labels[0].Value != Overflow || c.Labels[1].Value != Overflow || table.Overflowed() != 2 {
		t.Errorf("%+v", c)
	}
	c.Gain(0, []int{64}, []uint64{0}, []uint64{3})
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
	table := New(1, 10, "")
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
