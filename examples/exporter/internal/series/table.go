// Package series keeps the series of a metric: it adds up what elements of a map have gained since the last snapshot.
// So a counter never goes back, whether elements are removed, come back, or share a series, and its end is that of the
// last element.
package series

import (
	"cmp"
	"slices"
	"time"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

// Overflow is the value of all labels of the series of what has no room.
const Overflow = "overflow"

// Table is the series of a metric.
type Table struct {
	totals   int // numbers of a series
	most     int
	combine  string // of gauges; empty for others
	byKey    map[string]*Series
	overflow *Series
	sorted   []*Series // nil if it has to be made
}

// Series is one series.
type Series struct {
	Labels   []model.Label
	Start    time.Time
	Totals   []uint64
	Gauge    float64
	Exemplar *model.Exemplar
	key      string
	elements int // that add to it
	snapshot uint64
}

// New makes an empty table: for series with so many numbers, and for so many series. combine is how a gauge is made of
// several numbers, and empty if the series are no gauges.
func New(totals, most int, combine string) *Table {
	return &Table{totals: totals, most: most, combine: combine, byKey: map[string]*Series{}}
}

// Limit changes for how many series there is room. Those that are there stay.
func (t *Table) Limit(most int) { t.most = most }

// Join finds or makes the series with these labels for one more element, which has begun since then.
func (t *Table) Join(labels []model.Label, since time.Time) *Series {
	key := model.Key(labels)
	s := t.byKey[key]
	switch {
	case s != nil:
	case len(t.byKey) < t.most:
		s = &Series{Labels: slices.Clone(labels), Start: since, Totals: make([]uint64, t.totals), key: key}
		t.byKey[key] = s
		t.sorted = nil
	default:
		s = t.overflowing(labels, since)
	}
	s.elements++
	return s
}

// overflowing is the series of what has no room. An element that has begun there stays there: what it has counted is
// never in two series.
func (t *Table) overflowing(labels []model.Label, since time.Time) *Series {
	if t.overflow == nil {
		all := slices.Clone(labels)
		for i := range all {
			all[i].Value = Overflow
		}
		t.overflow = &Series{Labels: all, Start: since, Totals: make([]uint64, t.totals)}
		t.sorted = nil
	}
	return t.overflow
}

// Leave takes an element away. A series without elements ends, but not the counter of what has no room.
func (t *Table) Leave(s *Series) {
	s.elements--
	switch {
	case s.elements > 0 || s == t.overflow && t.combine == "":
		return
	case s == t.overflow:
		t.overflow = nil
	default:
		delete(t.byKey, s.key)
	}
	t.sorted = nil
}

// Gain adds what an element has gained. last is what it had before, and is set to what it has now. The totals begin at
// at, and bits are how wide each number is in the map: if there are more numbers than totals, they are those of each CPU.
//
// If any number went back, the element is a new one, and all of it is new. But a narrow number that goes from the last
// quarter of what it can be to the first has begun again at zero.
func (s *Series) Gain(at int, bits []int, last, now []uint64) (gained bool) {
	fresh := false
	for i, n := range now {
		fresh = fresh || n < last[i] && !wrapped(bits[i%len(bits)], last[i], n)
	}
	if fresh {
		clear(last)
	}
	for i, n := range now {
		gain := n - last[i]
		if width := bits[i%len(bits)]; width < 64 {
			gain &= 1<<width - 1
		}
		s.Totals[at+i%len(bits)] += gain
		last[i] = n
		gained = gained || gain != 0
	}
	return gained
}

func wrapped(bits int, last, now uint64) bool {
	quarter := uint64(1) << bits / 4
	return bits < 64 && last >= 3*quarter && now < quarter
}

// Set adds an element's number to a gauge, in a snapshot.
func (t *Table) Set(s *Series, value float64, snapshot uint64) {
	if s.snapshot != snapshot {
		s.snapshot, s.Gauge = snapshot, value
		return
	}
	s.Gauge = Combine(t.combine, s.Gauge, value)
}

// Combine makes one number of two.
func Combine(how string, a, b float64) float64 {
	switch how {
	case "max":
		return max(a, b)
	case "min":
		return min(a, b)
	}
	return a + b
}

// All are the series in the order of their labels.
func (t *Table) All() []*Series {
	if t.sorted == nil {
		t.sorted = make([]*Series, 0, len(t.byKey)+1)
		for _, s := range t.byKey {
			t.sorted = append(t.sorted, s)
		}
		slices.SortFunc(t.sorted, func(a, b *Series) int { return cmp.Compare(a.key, b.key) })
		if t.overflow != nil {
			t.sorted = append(t.sorted, t.overflow)
		}
	}
	return t.sorted
}

// Overflowed is how many elements had no room.
func (t *Table) Overflowed() int {
	if t.overflow == nil {
		return 0
	}
	return t.overflow.elements
}

// Len is how many series there are, without that of what has no room.
func (t *Table) Len() int { return len(t.byKey) }
