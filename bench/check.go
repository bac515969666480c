package main

import (
	"fmt"
	"io"
)

// worse is how much more a ratio must be to have got worse: less is noise.
const worse = 1.1

// check compares the ratios of a new run with those of an old one, and says what got worse. What only one of them has is
// not compared. Ratios hold on other machines; times do not.
func check(w io.Writer, old, now *outcome) (regressions int) {
	before := make(map[string]metric)
	for _, t := range old.Tables {
		t.each(func(name string, m metric) { before[name] = m })
	}
	compared := 0
	for _, t := range now.Tables {
		t.each(func(name string, m metric) {
			was, known := before[name]
			if !known || was.ToC == nil || m.ToC == nil {
				return
			}
			compared++
			// The quartiles must not overlap, either.
			if m.ToC.Median > was.ToC.Median*worse && m.ToC.Low > was.ToC.High {
				regressions++
				fmt.Fprintf(w, "%s: %s x C, it was %s\n", name, m.ToC, was.ToC)
			}
		})
	}
	fmt.Fprintf(w, "%d of %d ratios to C got worse\n", regressions, compared)
	return regressions
}

// each goes through the metrics of a table, by the names that they have in each run.
func (t *table) each(f func(name string, m metric)) {
	for _, r := range t.Rows {
		for _, m := range r.Metrics {
			f(t.Title+": "+r.Name+": "+m.Name, m)
		}
	}
}
