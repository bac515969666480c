package collect

import (
	"errors"
	"testing"
	"time"
)

// A map whose snapshots no longer end is seen, also if the last one that ended had failed.
func TestAlive(t *testing.T) {
	now := time.Now()
	failed := errors.New("failed")
	for _, c := range []struct {
		state State
		alive bool
	}{
		{State{}, true}, // the first snapshot runs
		{State{Ended: now, Last: now}, true},
		{State{Ended: now, Last: now.Add(-time.Hour), Err: failed}, true},
		{State{Ended: now.Add(-time.Hour), Last: now.Add(-time.Hour)}, false},
		{State{Ended: now.Add(-time.Hour), Err: failed}, false},
	} {
		collector := &Collector{interval: time.Second, deadline: time.Second, tables: make([]*table, 1), states: []State{c.state}}
		if collector.Alive() != c.alive {
			t.Errorf("%+v", c.state)
		}
	}
}
