package verify

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// readBaseline reads what an earlier run has written with --json.
func readBaseline(path string) ([]result, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var document struct {
		SchemaVersion int      `json:"schema_version"`
		Programs      []result `json:"programs"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if document.SchemaVersion != cli.SchemaVersion || document.Programs == nil {
		return nil, fmt.Errorf("%s is not what bpfgo verify --json of this version writes", path)
	}
	return document.Programs, nil
}

// change is a number before and now.
type change struct {
	Old     *uint64  `json:"old,omitempty"`
	New     *uint64  `json:"new,omitempty"`
	Percent *float64 `json:"percent,omitempty"` // of the old number that was added
}

// difference is what changed for a program.
type difference struct {
	Kernel  string `json:"kernel,omitempty"`
	File    string `json:"file"`
	Program string `json:"program"`
	// same, changed, better, worse, new (it was not in the baseline) or gone (it is only there).
	Result       string  `json:"result"`
	Why          string  `json:"why,omitempty"` // it is worse
	OldVerdict   verdict `json:"old_verdict,omitempty"`
	NewVerdict   verdict `json:"new_verdict,omitempty"`
	Instructions *change `json:"instructions,omitempty"`
	States       *change `json:"states,omitempty"`
	PeakStates   *change `json:"peak_states,omitempty"`

	now *result
}

// pair finds the same program in a baseline. The folder of its file may be another one, if that is not ambiguous.
func pair(baseline []result, taken []bool, r *result) int {
	found := -1
	for i := range baseline {
		b := &baseline[i]
		if taken[i] || b.Program != r.Program || b.Kernel != r.Kernel {
			continue
		}
		if b.File == r.File {
			return i
		}
		if filepath.Base(b.File) == filepath.Base(r.File) {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

// differences compares all programs. Only complete results tell which of the baseline are gone.
func differences(opts *options, baseline, results []result, complete bool) []difference {
	taken := make([]bool, len(baseline))
	pairs := make([]int, len(results))
	for i := range results { // those of the very same file first
		pairs[i] = -1
		for j := range baseline {
			b := &baseline[j]
			if !taken[j] && b.File == results[i].File && b.Program == results[i].Program && b.Kernel == results[i].Kernel {
				pairs[i], taken[j] = j, true
				break
			}
		}
	}
	all := []difference{}
	for i := range results {
		r := &results[i]
		if pairs[i] < 0 {
			if pairs[i] = pair(baseline, taken, r); pairs[i] >= 0 {
				taken[pairs[i]] = true
			}
		}
		if pairs[i] < 0 {
			all = append(all, difference{Kernel: r.Kernel, File: r.File, Program: r.Program, Result: "new",
				NewVerdict: r.Verdict, now: r})
			continue
		}
		all = append(all, opts.differ(&baseline[pairs[i]], r))
	}
	for i, b := range baseline {
		if complete && !taken[i] && matches(opts.programs, b.Program) && matches(opts.files, filepath.Base(b.File)) {
			all = append(all, difference{Kernel: b.Kernel, File: b.File, Program: b.Program, Result: "gone",
				OldVerdict: b.Verdict})
		}
	}
	return all
}

// differ compares a program before and now.
func (o *options) differ(old, now *result) difference {
	d := difference{
		Kernel: now.Kernel, File: now.File, Program: now.Program, Result: "same",
		OldVerdict: old.Verdict, NewVerdict: now.Verdict, now: now,
	}
	if old.Verdict != now.Verdict {
		switch {
		case old.Verdict == accepted:
			d.Result, d.Why = "worse", "it was accepted"
		case now.Verdict == accepted:
			d.Result = "better"
		default:
			d.Result = "changed"
		}
	}
	d.Instructions = changed(old.Instructions, now.Instructions)
	d.States = changed(old.States, now.States)
	d.PeakStates = changed(old.PeakStates, now.PeakStates)
	if now.Verdict != accepted || old.Verdict != accepted {
		return d // the numbers are about a part of the program
	}
	for _, metric := range []struct {
		name string
		*change
	}{{"instructions", d.Instructions}, {"states", d.States}} {
		c := metric.change
		if c == nil || c.Percent == nil {
			continue
		}
		switch {
		case *c.Percent > o.threshold && *c.New > *c.Old:
			d.Result = "worse"
			d.Why = strings.TrimPrefix(d.Why+", "+"more "+metric.name, ", ")
		case *c.Percent < -o.threshold && d.Result == "same":
			d.Result = "better"
		case d.Result == "same" && *c.Percent != 0:
			d.Result = "changed"
		}
	}
	if d.Result == "same" && d.PeakStates != nil {
		d.Result = "changed"
	}
	return d
}

// changed is a change, nil if there is none.
func changed(old, now *uint64) *change {
	if old == nil && now == nil || old != nil && now != nil && *old == *now {
		return nil
	}
	c := &change{Old: old, New: now}
	if old != nil && now != nil {
		percent := 100.0 // of nothing
		if *old > 0 {
			percent = 100 * (float64(*now) - float64(*old)) / float64(*old)
		}
		c.Percent = &percent
	}
	return c
}

func (c *change) String() string {
	if c == nil {
		return "="
	}
	show := func(n *uint64) string {
		if n == nil {
			return "?"
		}
		return fmt.Sprint(*n)
	}
	text := show(c.Old) + " -> " + show(c.New)
	if c.Percent != nil {
		text += fmt.Sprintf(" (%+.1f%%)", *c.Percent)
	}
	return text
}

// compare shows what differs from a baseline.
func compare(env *cli.Env, opts *options, baseline, results []result, warnings []string) error {
	all := differences(opts, baseline, results, len(warnings) == 0)
	counts := make(map[string]int)
	for _, d := range all {
		counts[d.Result]++
	}
	var err error
	if opts.json.On {
		err = env.WriteDocument(opts.json, cli.Document{Name: "differences", Value: all, Warnings: warnings})
	} else {
		err = showDifferences(env, opts, all, counts)
	}
	if err != nil {
		return err
	}
	if counts["worse"] > 0 {
		return cli.Exit(cli.StatusRejected)
	}
	// What was rejected before may be so again.
	for i := range results {
		if results[i].Verdict == rejected {
			results[i].Verdict = skipped
		}
	}
	return outcome(results, warnings)
}

func showDifferences(env *cli.Env, opts *options, all []difference, counts map[string]int) error {
	t := &table.Table{Columns: []table.Column{
		{Name: "file", Shrink: true}, {Name: "program", Shrink: true}, {Name: "result"}, {Name: "verdict"},
		{Name: "instructions", Right: true}, {Name: "states", Right: true}, {Name: "peak", Right: true},
	}}
	var text strings.Builder
	for _, d := range all {
		if d.Result == "same" {
			continue
		}
		verdicts := string(d.NewVerdict)
		switch {
		case d.Result == "gone":
			verdicts = string(d.OldVerdict)
		case d.Result != "new" && d.OldVerdict != d.NewVerdict:
			verdicts = fmt.Sprintf("%s -> %s", d.OldVerdict, d.NewVerdict)
		}
		style := map[string]cli.Style{"worse": cli.Red, "better": cli.Green, "gone": cli.Yellow}[d.Result]
		file := d.File
		if d.Kernel != "" {
			file = d.Kernel + ": " + file
		}
		cells := []table.Cell{{Text: file}, {Text: d.Program}, {Text: d.Result, Style: style}, {Text: verdicts}}
		for _, c := range []*change{d.Instructions, d.States, d.PeakStates} {
			cells = append(cells, table.Cell{Text: c.String()})
		}
		t.Rows = append(t.Rows, cells)
	}
	if len(t.Rows) > 0 {
		text.WriteString(t.Text(env, env.Width()))
	}
	for _, d := range all {
		if d.Result == "worse" && d.NewVerdict != accepted {
			d.now.details(&text, env)
		}
	}
	var parts []string
	for _, what := range []string{"same", "changed", "better", "worse", "new", "gone"} {
		if counts[what] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[what], what))
		}
	}
	fmt.Fprintf(&text, "\n%s\nWorse is what was accepted and is not, or takes over %g%% more instructions or states.\n",
		strings.Join(parts, ", "), opts.threshold)
	_, err := io.WriteString(env.Stdout, text.String())
	return err
}
