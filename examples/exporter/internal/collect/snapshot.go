// Package collect takes snapshots of maps in the background, and publishes them as metrics.
package collect

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/source"
)

// table is a map with what is known of its elements.
type table struct {
	*source.Target
	m        *libbpf.Map
	columns  []*column
	elements map[string]*element
	entries  int // of them that the map had in the last snapshot
	snapshot uint64
	begin    time.Time // of the last snapshot
	since    time.Time // when an element that is new in this snapshot has begun at the earliest
	values   [][]byte  // of the element at hand, for each CPU
	dead     [][]byte  // keys of elements that shall be deleted
}

// element is an element of a map.
type element struct {
	snapshot uint64 // the last one that had it
	until    uint64 // the last one that needs not have it
	cells    []cell // for each column
}

func newTable(t *source.Target, m *libbpf.Map) *table {
	made := &table{Target: t, m: m, elements: map[string]*element{}}
	for _, metric := range t.Metrics {
		made.columns = append(made.columns, newColumn(metric))
	}
	return made
}

// read takes a snapshot. If it ends early, the table has gained what was read, and no element is gone.
func (t *table) read(deadline time.Time) error {
	const checkAfter = 256 // elements
	t.snapshot++
	t.entries, t.dead = 0, nil
	now := time.Now()
	t.since, t.begin = t.begin, now
	if t.since.IsZero() { // nobody knows
		t.since = now
	}
	n := 0
	var err error
	for key, image := range t.m.All(&err) {
		if n++; n%checkAfter == 0 && time.Now().After(deadline) {
			return fmt.Errorf("map %q: the deadline has passed after %d elements", t.Map, n)
		}
		t.element(key, image, now)
	}
	if err != nil {
		return err
	}
	t.removeOthers()
	return t.deleteDead()
}

func (t *table) element(key, image []byte, now time.Time) {
	e := t.elements[string(key)]
	switch {
	case e == nil:
		e = &element{cells: make([]cell, len(t.columns))}
		t.elements[string(key)] = e
	case e.snapshot == t.snapshot: // the kernel has told it twice
		return
	}
	e.snapshot, e.until = t.snapshot, 0
	t.entries++
	values := t.split(image)
	for i, c := range t.columns {
		made := &e.cells[i]
		if made.made && len(made.parts) > 0 && c.Mortal() && !c.Alive(key, values[0]) {
			c.leave(made)
		}
		if !made.made {
			*made = c.make(key, values, t.since)
		}
		c.read(made, values, t.snapshot, now)
	}
	if slices.ContainsFunc(t.columns, func(c *column) bool { return c.Dead(key, values[0]) }) {
		t.dead = append(t.dead, slices.Clone(key))
	}
}

// deleteDead deletes elements from the map. What they have counted was read: nobody is left who counts more.
func (t *table) deleteDead() error {
	for _, key := range t.dead {
		if err := t.m.Delete(key); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("map %q: an element of a cgroup that is gone can't be deleted: %w", t.Map, err)
		}
	}
	return nil
}

// split is the values of all CPUs, of which each is filled up to a multiple of eight bytes.
func (t *table) split(image []byte) [][]byte {
	t.values = t.values[:0]
	size := int(t.Definition.ValueSize)
	if !t.Definition.Type.IsPerCPU() {
		return append(t.values, image)
	}
	for slot := range slices.Chunk(image, (size+7)&^7) {
		t.values = append(t.values, slot[:size])
	}
	return t.values
}

// removeOthers removes the elements that the map has no more.
func (t *table) removeOthers() {
	for key, e := range t.elements {
		if e.snapshot == t.snapshot || e.until >= t.snapshot {
			continue
		}
		for i, c := range t.columns {
			c.leave(&e.cells[i])
		}
		delete(t.elements, key)
	}
}

// patience is how many snapshots an element of a map that was replaced may stay away: its series goes on if it comes
// back in that time.
const patience = 60

// adopt continues the series of another table, of metrics that are the same. If the two share their map, its elements
// continue what they had. If not, all of what the new map has is new, and gauges begin anew: what was in the old map is
// true no more. from tells which of the old columns each column was, or -1.
func (t *table) adopt(old *table, shared bool) (from []int) {
	from = make([]int, len(t.columns))
	for i, c := range t.columns {
		from[i] = slices.IndexFunc(old.columns, func(other *column) bool {
			return (shared || c.Conf.Kind != config.Gauge) && sameMetric(c, other)
		})
		if from[i] >= 0 {
			c.table = old.columns[from[i]].table
			c.table.Limit(c.Conf.MaxSeries)
		}
	}
	t.snapshot, t.begin = old.snapshot, old.begin
	for key, e := range old.elements {
		made := &element{snapshot: e.snapshot, until: e.until, cells: make([]cell, len(t.columns))}
		for i := range from {
			if from[i] >= 0 {
				made.cells[i] = e.cells[from[i]]
			}
		}
		if !shared {
			if e.until == 0 { // the old map had it
				made.until = t.snapshot + patience
			}
			for _, c := range made.cells {
				for _, p := range c.parts {
					clear(p.last)
				}
			}
		}
		t.elements[key] = made
	}
	return from
}

// cpuNames are the values of the label of CPUs.
var cpuNames = func() (names []string) {
	for cpu := range 1024 {
		names = append(names, strconv.Itoa(cpu))
	}
	return names
}()

func cpuName(cpu int) string {
	if cpu < len(cpuNames) {
		return cpuNames[cpu]
	}
	return strconv.Itoa(cpu)
}
