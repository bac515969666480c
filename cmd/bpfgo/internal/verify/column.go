package verify

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// column is one property of results: a text or a number.
type column struct {
	name    string // for --columns and CSV
	heading string
	text    func(*result) string
	number  func(*result) *uint64
	shrink  bool
}

var columns = []*column{
	{name: "kernel", heading: "kernel", text: func(r *result) string { return r.Kernel }},
	{name: "file", heading: "file", text: func(r *result) string { return r.File }, shrink: true},
	{name: "program", heading: "program", text: func(r *result) string { return r.Program }, shrink: true},
	{name: "section", heading: "section", text: func(r *result) string { return r.Section }, shrink: true},
	{name: "type", heading: "type", text: func(r *result) string { return r.Type }},
	{name: "verdict", heading: "verdict", text: func(r *result) string { return string(r.Verdict) }},
	{name: "instructions", heading: "instructions", number: func(r *result) *uint64 { return r.Instructions }},
	{name: "states", heading: "states", number: func(r *result) *uint64 { return r.States }},
	{name: "peak_states", heading: "peak", number: func(r *result) *uint64 { return r.PeakStates }},
	{name: "max_states", heading: "max at one", number: func(r *result) *uint64 { return r.MaxStates }},
	{name: "mark_read", heading: "mark read", number: func(r *result) *uint64 { return r.MarkRead }},
	{name: "stack", heading: "stack", number: func(r *result) *uint64 { return r.Stack }},
	{name: "time", heading: "time (us)", number: func(r *result) *uint64 { return r.Time }},
	{name: "size", heading: "compiled", number: func(r *result) *uint64 { return r.Size }},
	{name: "xlated", heading: "xlated", number: func(r *result) *uint64 { return r.Xlated }},
	{name: "jited", heading: "jited", number: func(r *result) *uint64 { return r.JITed }},
	{name: "reason", heading: "reason", text: func(r *result) string { return r.Reason }},
}

// defaults are the columns that a table has if the user wants no others.
var defaults = []string{
	"file", "program", "verdict", "instructions", "states", "peak_states", "stack", "time", "xlated", "jited",
}

// fewDefaults are those of a narrow terminal.
var fewDefaults = []string{"file", "program", "verdict", "instructions", "states", "time"}

func findColumn(name string) *column {
	for _, c := range columns {
		if c.name == name {
			return c
		}
	}
	return nil
}

func columnNames() string {
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// value is the text of a column, "" where there is nothing.
func (c *column) value(r *result) string {
	if c.text != nil {
		return c.text(r)
	}
	if n := c.number(r); n != nil {
		return strconv.FormatUint(*n, 10)
	}
	return ""
}

// cell is a column in a table.
func (c *column) cell(r *result) table.Cell {
	cell := table.Cell{Text: cmp.Or(c.value(r), "-")}
	if c.name == "verdict" {
		cell.Style = r.Verdict.style()
	}
	return cell
}

func (v verdict) style() cli.Style {
	switch v {
	case accepted:
		return cli.Green
	case rejected:
		return cli.Red
	}
	return cli.Yellow
}

// compare orders two results by a column. What is not known is the least.
func (c *column) compare(a, b *result) int {
	if c.text != nil {
		return cmp.Compare(c.text(a), c.text(b))
	}
	x, y := c.number(a), c.number(b)
	if x == nil || y == nil {
		return cmp.Compare(known(x), known(y))
	}
	return cmp.Compare(*x, *y)
}

func known(n *uint64) int {
	if n == nil {
		return 0
	}
	return 1
}
