package verify

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// show writes the results that the user wants to see, in the order that he wants.
func show(env *cli.Env, opts *options, results []result, warnings []string) error {
	shown := slices.DeleteFunc(slices.Clone(results), func(r result) bool {
		return len(opts.verdicts) > 0 && !slices.Contains(opts.verdicts, r.Verdict)
	})
	if opts.sortBy != nil {
		slices.SortStableFunc(shown, func(a, b result) int {
			order := opts.sortBy.compare(&a, &b)
			if opts.descending {
				return -order
			}
			return order
		})
	}
	more := 0
	if opts.top > 0 && len(shown) > opts.top {
		more = len(shown) - opts.top
		shown = shown[:opts.top]
	}
	switch {
	case opts.json.On:
		return env.WriteDocument(opts.json, cli.Document{Name: "programs", Value: shown, Warnings: warnings})
	case opts.csv:
		return writeCSV(env.Stdout, opts, shown)
	}
	var text strings.Builder
	if len(shown) > 0 {
		t := opts.table(shown, env.Width())
		text.WriteString(t.Text(env, env.Width()))
	}
	if more > 0 {
		fmt.Fprintf(&text, "... and %d more\n", more)
	}
	for i := range shown {
		shown[i].details(&text, env)
	}
	text.WriteString(totals(results))
	_, err := io.WriteString(env.Stdout, text.String())
	return err
}

// narrow is the width of a terminal that has no room for all default columns beside the names.
const narrow = 100

// table has the columns that the user wants, or those that fit a terminal of this width; 0 is no limit.
func (o *options) table(results []result, width int) *table.Table {
	wanted := o.columns
	if wanted == nil {
		names := defaults
		if width > 0 && width < narrow {
			names = fewDefaults
		}
		for _, name := range names {
			c := findColumn(name)
			if name == "file" && !slices.ContainsFunc(results, func(r result) bool { return r.File != results[0].File }) {
				continue // it is the one that the user has given
			}
			wanted = append(wanted, c)
		}
		if results[0].Kernel != "" {
			wanted = append([]*column{findColumn("kernel")}, wanted...)
		}
	}
	t := &table.Table{}
	for _, c := range wanted {
		t.Columns = append(t.Columns, table.Column{Name: c.heading, Right: c.number != nil, Shrink: c.shrink})
	}
	for i := range results {
		var row []table.Cell
		for _, c := range wanted {
			row = append(row, c.cell(&results[i]))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func writeCSV(w io.Writer, opts *options, results []result) error {
	wanted := opts.columns
	if wanted == nil {
		wanted = columns
	}
	out := csv.NewWriter(w)
	var row []string
	for _, c := range wanted {
		row = append(row, c.name)
	}
	_ = out.Write(row) // Error tells
	for i := range results {
		row = row[:0]
		for _, c := range wanted {
			row = append(row, cli.Safe(c.value(&results[i])))
		}
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}

// details are why a program was not accepted, and its log.
func (r *result) details(text *strings.Builder, env *cli.Env) {
	if r.Verdict == accepted && r.Log == "" {
		return
	}
	title := r.Program + " of " + r.File
	if r.Kernel != "" {
		title += " on " + r.Kernel
	}
	fmt.Fprintf(text, "\n%s: %s", env.Paint(cli.Bold, cli.Safe(title)), env.Paint(r.Verdict.style(), string(r.Verdict)))
	if r.Errno != "" {
		fmt.Fprintf(text, " (%s)", r.Errno)
	}
	text.WriteByte('\n')
	line := func(indent, content string) { fmt.Fprintf(text, "%s%s\n", indent, cli.Safe(content)) }
	switch {
	case r.Rejection == nil:
		if r.Reason != "" {
			line("  ", r.Reason)
		}
	case r.Rejection.Source != nil:
		line("  at ", r.Rejection.Source.String())
	}
	end := []string{}
	if r.Log != "" {
		end = strings.Split(strings.TrimRight(r.Log, "\n"), "\n")
	} else if r.Rejection != nil {
		end = r.Rejection.End
	}
	for _, l := range end {
		line("    ", strings.ReplaceAll(l, "\t", "    "))
	}
	if r.Rejection != nil && r.Rejection.Explanation != "" {
		line("  ", "meaning: "+r.Rejection.Explanation)
	}
}

// totals sums the results up in one line.
func totals(results []result) string {
	counts := make(map[verdict]int)
	var instructions, states, time uint64
	for _, r := range results {
		counts[r.Verdict]++
		instructions += value(r.Instructions)
		states += value(r.States)
		time += value(r.Time)
	}
	var parts []string
	for _, v := range []verdict{accepted, rejected, failed, skipped} {
		if counts[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	programs := "programs"
	if len(results) == 1 {
		programs = "program"
	}
	if len(parts) == 0 {
		return "\n0 programs\n"
	}
	return fmt.Sprintf("\n%d %s: %s; %d instructions, %d states, %.1f ms\n", len(results), programs,
		strings.Join(parts, ", "), instructions, states, float64(time)/1000)
}

func value(n *uint64) uint64 {
	if n == nil {
		return 0
	}
	return *n
}
