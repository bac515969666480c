package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is the result of the tests on one kernel.
type report struct {
	kernel  string
	release string // "" if the kernel is not available
	missing error  // why not
	errs    []error
	elapsed time.Duration
	tests   map[testName]*test
}

type testName struct{ pkg, name string }

type test struct {
	result  string // pass, fail, skip; "" if it did not end
	output  strings.Builder
	feature string // the missing feature, if the test was skipped
	cause   string
}

func newReport(kernel string) *report {
	return &report{kernel: kernel, tests: make(map[testName]*test)}
}

// event is an event of test2json.
type event struct{ Action, Test, Output string }

// skipped matches the output of testutil.Skip.
var skipped = regexp.MustCompile(`(?m)^\s*\S+\.go:\d+: (\S+) is missing: (.*)$`)

// add adds the output of one package's test binary.
func (r *report) add(ctx context.Context, pkg string, output []byte, end outcome) error {
	cmd := exec.CommandContext(ctx, "go", "tool", "test2json")
	cmd.Stdin = bytes.NewReader(output)
	events, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("test2json: %w", err)
	}
	failed := false
	var rest strings.Builder // output outside of tests
	for decoder := json.NewDecoder(bytes.NewReader(events)); ; {
		var e event
		if err := decoder.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("test2json: %w", err)
		}
		if e.Test == "" {
			rest.WriteString(e.Output)
			continue
		}
		name := testName{pkg, e.Test}
		if r.tests[name] == nil {
			r.tests[name] = &test{}
		}
		t := r.tests[name]
		t.output.WriteString(e.Output)
		if e.Action == "pass" || e.Action == "fail" || e.Action == "skip" {
			t.result = e.Action
			failed = failed || e.Action == "fail"
		}
	}
	for name, t := range r.tests {
		if name.pkg != pkg {
			continue
		}
		if found := skipped.FindStringSubmatch(t.output.String()); t.result == "skip" && found != nil {
			t.feature, t.cause = found[1], found[2]
		}
		if t.result == "" {
			t.result = "fail"
			failed = true
		}
	}
	if end.err != nil {
		r.errs = append(r.errs, fmt.Errorf("%s: %w", pkg, end.err))
	} else if end.status != 0 && !failed {
		r.errs = append(r.errs, fmt.Errorf("%s: exit status %d\n%s", pkg, end.status, rest.String()))
	}
	return nil
}

// count counts the tests with a result. For a test with subtests, it counts only the subtests.
func (r *report) count(result string) int {
	parents := make(map[testName]bool)
	for name := range r.tests {
		for {
			slash := strings.LastIndexByte(name.name, '/')
			if slash < 0 {
				break
			}
			name.name = name.name[:slash]
			parents[name] = true
		}
	}
	n := 0
	for name, t := range r.tests {
		if t.result == result && !parents[name] {
			n++
		}
	}
	return n
}

// ok reports whether nothing failed. A kernel that is not available is not a failure.
func (r *report) ok() bool {
	for _, t := range r.tests {
		if t.result == "fail" {
			return false
		}
	}
	return len(r.errs) == 0
}

func (r *report) line() string {
	switch {
	case r.release == "":
		return fmt.Sprintf("Linux %s: skipped: %v", r.kernel, r.missing)
	case !r.ok():
		return fmt.Sprintf("Linux %s: FAILED after %.0f s", r.release, r.elapsed.Seconds())
	}
	return fmt.Sprintf("Linux %s: ok, %.0f s", r.release, r.elapsed.Seconds())
}

func (r *report) writeFailures(w io.Writer) {
	for _, err := range r.errs {
		fmt.Fprintf(w, "\nLinux %s: %v\n", r.kernel, err)
	}
	for _, name := range r.names() {
		if t := r.tests[name]; t.result == "fail" {
			fmt.Fprintf(w, "\nLinux %s: %s: %s\n%s", r.release, name.pkg, name.name, t.output.String())
		}
	}
}

func (r *report) names() []testName {
	var names []testName
	for name := range r.tests {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b testName) int {
		return cmp.Or(cmp.Compare(a.pkg, b.pkg), cmp.Compare(a.name, b.name))
	})
	return names
}

// writeTable writes a line for each kernel, and then why tests were skipped there.
func writeTable(w io.Writer, reports []*report) {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(columns, "kernel\tpassed\tfailed\tskipped\tseconds\t")
	for _, r := range reports {
		if r.release == "" {
			fmt.Fprintf(columns, "%s\tnot available\t\t\t\t\n", r.kernel)
			continue
		}
		fmt.Fprintf(columns, "%s\t%d\t%d\t%d\t%.0f\t\n", r.release, r.count("pass"), max(r.count("fail"), len(r.errs)),
			r.count("skip"), r.elapsed.Seconds())
	}
	columns.Flush()
	for _, r := range reports {
		reasons := make(map[string][]string)
		for _, name := range r.names() {
			if t := r.tests[name]; t.result == "skip" {
				reasons[t.feature] = append(reasons[t.feature], t.cause)
			}
		}
		if len(reasons) > 0 {
			fmt.Fprintf(w, "\nskipped on %s:\n", r.release)
		}
		for _, feature := range slices.Sorted(keys(reasons)) {
			fmt.Fprintf(w, "  %s (%d): %s\n", feature, len(reasons[feature]), reasons[feature][0])
		}
	}
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
