package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/testutil/skips"
)

// tables are the tests each of whose subtests shows one thing at work, on the page that says what kernels have.
var tables = []struct{ test, title, column string }{
	{"TestLinkConformance", "Hooks that programs attach to", "kind of link"},
	{"TestMapTypes", "Map types", "map type"},
}

// cell is what a kernel has of a feature: yes, no, or unknown where no test came to it.
type cell string

const (
	yes     cell = "yes"
	no      cell = "–"
	unknown cell = "?"
)

// writePage writes the page that says what each kernel has, from what the tests found there.
func writePage(w io.Writer, reports []*report) {
	fmt.Fprint(w, `# What each kernel has

Written by `+"`make test-vm`"+` from its results: "yes" where a test saw the feature at work on that kernel, "–" where
the kernel refused it, "?" where something else was missing that the test needs. These are Debian's cloud kernels;
another configuration may have more or less.

`)
	header := func(column string) {
		fmt.Fprintf(w, "| %s |", column)
		for _, r := range reports {
			fmt.Fprintf(w, " %s |", strings.TrimSuffix(r.release, "-cloud-amd64"))
		}
		fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(reports)))
	}
	row := func(name string, cells []cell) {
		fmt.Fprintf(w, "| %s |", name)
		for _, c := range cells {
			fmt.Fprintf(w, " %s |", c)
		}
		fmt.Fprintln(w)
	}
	shown := make(map[string]bool)
	for _, table := range tables {
		rows := subtests(reports, table.test)
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(w, "## %s\n\n", table.title)
		header(table.column)
		for _, name := range slices.Sorted(keys(rows)) {
			shown[name] = true
			row(name, rows[name])
		}
		fmt.Fprintln(w)
	}
	rows := features(reports)
	for name := range rows {
		if shown[name] {
			delete(rows, name)
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprint(w, "## What else some kernels lack\n\nAll else that is tested works on all of these kernels.\n\n")
	header("feature")
	for _, name := range slices.Sorted(keys(rows)) {
		row(name, rows[name])
	}
}

// subtests has a row for each subtest: yes where it passed, no where it was skipped.
func subtests(reports []*report, test string) map[string][]cell {
	rows := make(map[string][]cell)
	for i, r := range reports {
		for name, t := range r.tests {
			parent, sub, found := strings.Cut(name.name, "/")
			if !found || parent != test || strings.Contains(sub, "/") {
				continue
			}
			if rows[sub] == nil {
				rows[sub] = slices.Repeat([]cell{unknown}, len(reports))
			}
			rows[sub][i] = t.cell()
		}
	}
	return rows
}

// features has a row for each feature that a test missed anywhere: no where any test missed it, yes where one that
// misses it elsewhere passed. What is skipped for another reason says nothing.
func features(reports []*report) map[string][]cell {
	needs := make(map[string]map[testName]bool)
	for _, r := range reports {
		for name, t := range r.tests {
			if t.feature == "" || skips.Everywhere(t.feature) {
				continue
			}
			if needs[t.feature] == nil {
				needs[t.feature] = make(map[testName]bool)
			}
			needs[t.feature][name] = true
		}
	}
	rows := make(map[string][]cell)
	for feature, tests := range needs {
		row := slices.Repeat([]cell{unknown}, len(reports))
		for i, r := range reports {
			for name := range tests {
				t := r.tests[name]
				switch {
				case t == nil:
				case t.feature == feature:
					row[i] = no
				case t.cell() == yes && row[i] == unknown:
					row[i] = yes
				}
			}
		}
		rows[feature] = row
	}
	return rows
}

func (t *test) cell() cell {
	switch t.result {
	case "pass":
		return yes
	case "skip":
		return no
	}
	return unknown
}
