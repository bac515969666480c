package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/testutil/skips"
)

// tables are the tests whose subtests each test one feature. The page has a table for each.
var tables = []struct{ test, title, column string }{
	{"TestLinkConformance", "Hooks that programs attach to", "kind of link"},
	{"TestMapTypes", "Map types", "map type"},
}

// cell is whether a kernel has a feature: yes, no, or unknown if no test got that far.
type cell string

const (
	yes     cell = "yes"
	no      cell = "–"
	unknown cell = "?"
)

// writePage writes the page that lists each kernel's features, from the results of the tests.
func writePage(w io.Writer, reports []*report) {
	fmt.Fprint(w, `# Features of each kernel

`+"`make test-vm`"+` writes this page from its results. "yes": a test used the feature on that kernel. "–": the kernel
refused it. "?": the kernel lacks something else that the test needs. These are Debian's kernels: for x86-64 those for
clouds, and for other architectures, which the columns name, those for all machines. 16k: pages of 16 KiB. Another
configuration may have other features.

`)
	for _, m := range machines {
		is := func(r *report) bool {
			of, err := machineOf(r.release)
			return err == nil && of.arch == m.arch
		}
		if !slices.ContainsFunc(reports, is) || len(m.leftOut) == 0 {
			continue
		}
		fmt.Fprintf(w, "These tests do not run on %s:\n\n", m.arch)
		for _, left := range m.leftOut {
			fmt.Fprintf(w, "- `%s`: %s\n", left.test, left.why)
		}
		fmt.Fprintln(w)
	}
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
	fmt.Fprint(w, "## Other features that some kernels lack\n\nAll other tested features work on all of these kernels.\n\n")
	header("feature")
	for _, name := range slices.Sorted(keys(rows)) {
		row(name, rows[name])
	}
}

// subtests returns a row for each subtest: yes if it passed, no if it was skipped.
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

// features returns a row for each feature that a test missed on some kernel: no if any test missed it, yes if a test
// passed that misses it elsewhere. Tests that skip for another reason do not count.
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
