package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/testutil/skips"
)

// elsewhere runs the tests that were skipped on the host: all of them on the first kernel, and on each other kernel
// those that all kernels before it skipped. It names the tests that ran on no kernel; with strict, those are an error.
func (m *matrix) elsewhere(ctx context.Context, w io.Writer, dir string, skipped []skips.Test, strict bool) error {
	left := slices.DeleteFunc(slices.Clone(skipped), func(t skips.Test) bool { return skips.Everywhere(t.Feature) })
	if len(left) == 0 {
		fmt.Fprintln(w, "no test was skipped here")
		return nil
	}
	fmt.Fprintf(w, "skipped here, and to run on other kernels:\n%s", describe(left, false))
	m.packages = packages(left)
	var reports []*report
	var built *suite
	failed := 0
	for i, kernel := range m.kernels {
		if len(left) == 0 || ctx.Err() != nil {
			break
		}
		if i == 0 || m.machines[i] != m.machines[i-1] {
			var err error
			if built, err = m.build(ctx, m.machines[i], dir); err != nil {
				return err
			}
		}
		r := m.test(ctx, kernel, m.machines[i], built.only(left))
		fmt.Fprintln(w, r.line())
		if r.release != "" {
			left = r.left(left)
		}
		if !r.ok() {
			failed++
		}
		reports = append(reports, r)
	}
	for _, r := range reports {
		r.writeFailures(w)
	}
	fmt.Fprintln(w)
	writeTable(w, reports)
	switch {
	case failed > 0:
		return fmt.Errorf("%d of %d kernels failed", failed, len(reports))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(left) == 0:
		fmt.Fprintln(w, "\nevery test ran, here or on one of these kernels")
		return nil
	}
	fmt.Fprintf(w, "\nNOT TESTED, neither here nor on another kernel:\n%s", describe(left, true))
	if strict {
		return fmt.Errorf("%d tests ran on no kernel", len(left))
	}
	return nil
}

func packages(tests []skips.Test) []string {
	var all []string
	for _, t := range tests {
		all = append(all, t.Package)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// only returns the suite that runs these tests and no others.
func (s *suite) only(tests []skips.Test) *suite {
	patterns := make(map[string][]string)
	for _, t := range tests {
		patterns[t.Package] = append(patterns[t.Package], exactly(t.Name))
	}
	theirs := &suite{}
	for i, name := range s.names {
		if patterns[name] != nil {
			j := s.jobs[i]
			j.argv = append(slices.Clone(j.argv), "-test.run="+strings.Join(patterns[name], "|"))
			theirs.jobs, theirs.names = append(theirs.jobs, j), append(theirs.names, name)
		}
	}
	return theirs
}

// exactly returns the pattern for "go test -run" that matches one test.
func exactly(test string) string {
	levels := strings.Split(test, "/")
	for i, level := range levels {
		levels[i] = "^" + regexp.QuoteMeta(level) + "$"
	}
	return strings.Join(levels, "/")
}

// left returns the wanted tests that did not pass, and tests that were skipped within others.
func (r *report) left(wanted []skips.Test) []skips.Test {
	var left []skips.Test
	for _, t := range wanted {
		if here := r.tests[testName{t.Package, t.Name}]; here == nil || here.result != "pass" && here.result != "skip" {
			left = append(left, t)
		}
	}
	for _, name := range r.names() {
		if t := r.tests[name]; t.result == "skip" && !skips.Everywhere(t.feature) {
			left = append(left, skips.Test{Package: name.pkg, Name: name.name, Feature: t.feature, Cause: t.cause})
		}
	}
	return left
}

// describe prints a line for each feature: how many tests need it, the kernel's error and, if names is set, the tests.
func describe(tests []skips.Test, names bool) string {
	features := make(map[string][]skips.Test)
	for _, t := range tests {
		features[t.Feature] = append(features[t.Feature], t)
	}
	var text strings.Builder
	for _, feature := range slices.Sorted(keys(features)) {
		fmt.Fprintf(&text, "  %s (%d): %s\n", feature, len(features[feature]), firstLine(features[feature][0].Cause))
		for _, t := range features[feature] {
			if names {
				fmt.Fprintf(&text, "    %s %s\n", t.Package, t.Name)
			}
		}
	}
	return text.String()
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
