// Package table writes rows in columns that fit a terminal.
package table

import (
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// Column is a column of a table.
type Column struct {
	Name   string
	Right  bool // numbers are at the right
	Shrink bool // this column gives way where the line is too long for the terminal; when none can, the last one does
}

// Cell is what a row has in a column.
type Cell struct {
	Text  string // of any origin: what a terminal can't show becomes an escape
	Style cli.Style
}

// Table is rows under a heading.
type Table struct {
	Columns []Column
	Rows    [][]Cell
}

// Add adds a row of plain texts.
func (t *Table) Add(cells ...string) {
	row := make([]Cell, len(cells))
	for i, text := range cells {
		row[i].Text = text
	}
	t.Rows = append(t.Rows, row)
}

// DropEmpty leaves out the columns that have nothing in any row.
func (t *Table) DropEmpty() {
	for i := len(t.Columns) - 1; i >= 0; i-- {
		if slices.ContainsFunc(t.Rows, func(row []Cell) bool { return row[i].Text != "" }) {
			continue
		}
		t.Columns = slices.Delete(t.Columns, i, i+1)
		for j := range t.Rows {
			t.Rows[j] = slices.Delete(t.Rows[j], i, i+1)
		}
	}
}

// gap is between two columns.
const gap = 2

// least is the width that a column keeps when it gives way.
const least = 8

// Write writes the table to standard output, as wide as the terminal, or as wide as it is if there is none.
func (t *Table) Write(env *cli.Env) error {
	_, err := io.WriteString(env.Stdout, t.Text(env, env.Width()))
	return err
}

// Text is the table, for lines of this width, or of any width if it is 0.
func (t *Table) Text(env *cli.Env, width int) string {
	var text strings.Builder
	t.begin(env, width, &text)
	return text.String()
}

// begin writes the table, and returns the widths of its columns.
func (t *Table) begin(env *cli.Env, width int, text *strings.Builder) []int {
	safe := make([][]Cell, 0, len(t.Rows)+1)
	heading := make([]Cell, len(t.Columns))
	for i, c := range t.Columns {
		heading[i] = Cell{c.Name, cli.Bold}
	}
	safe = append(safe, heading)
	for _, row := range t.Rows {
		cells := make([]Cell, len(row))
		for i, cell := range row {
			cells[i] = Cell{cli.Safe(cell.Text), cell.Style}
		}
		safe = append(safe, cells)
	}
	widths := t.widths(safe, width)
	for _, row := range safe {
		t.writeRow(text, env, row, widths)
	}
	return widths
}

// Stream is a table that goes on: rows too many to keep are written one by one.
type Stream struct {
	table  *Table
	env    *cli.Env
	w      io.Writer
	widths []int
	// limited says that a terminal does, where lines must not be longer.
	limited bool
	text    strings.Builder
}

// Stream writes the table, whose rows decide how wide the columns are, and returns a Stream for more rows.
func (t *Table) Stream(env *cli.Env, w io.Writer) *Stream {
	s := &Stream{table: t, env: env, w: w}
	width := env.Width()
	s.limited = width > 0
	s.widths = t.begin(env, width, &s.text)
	t.Rows = nil
	_, _ = io.WriteString(w, s.text.String()) // the next row fails, too
	return s
}

// Row writes a row of plain texts. Where there is no terminal, a column grows with its widest cell.
func (s *Stream) Row(cells []string) error {
	row := make([]Cell, len(cells))
	for i, text := range cells {
		row[i].Text = cli.Safe(text)
		if !s.limited {
			s.widths[i] = max(s.widths[i], textWidth(row[i].Text))
		}
	}
	s.text.Reset()
	s.table.writeRow(&s.text, s.env, row, s.widths)
	_, err := io.WriteString(s.w, s.text.String())
	return err
}

// textWidth is how many columns of a terminal a text takes.
func textWidth(text string) int {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return uniseg.StringWidth(text)
		}
	}
	return len(text) // which is most texts, and quick
}

// widths are the widths of the columns.
func (t *Table) widths(rows [][]Cell, width int) []int {
	widths := make([]int, len(t.Columns))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], textWidth(cell.Text))
		}
	}
	if width <= 0 || len(widths) == 0 {
		return widths
	}
	over := gap*(len(widths)-1) - width
	for _, w := range widths {
		over += w
	}
	// The widest column gives way, until another one is the widest.
	for ; over > 0; over-- {
		widest := -1
		for i, c := range t.Columns {
			if c.Shrink && widths[i] > least && (widest < 0 || widths[i] >= widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	if less := min(over, widths[len(widths)-1]-least); less > 0 {
		widths[len(widths)-1] -= less
	}
	return widths
}

func (t *Table) writeRow(text *strings.Builder, env *cli.Env, row []Cell, widths []int) {
	var line strings.Builder
	for i, cell := range row {
		shown := Cut(cell.Text, widths[i])
		padding := strings.Repeat(" ", widths[i]-textWidth(shown))
		shown = env.Paint(cell.Style, shown)
		if t.Columns[i].Right {
			line.WriteString(padding + shown)
		} else {
			line.WriteString(shown + padding)
		}
		if i < len(row)-1 {
			line.WriteString(strings.Repeat(" ", gap))
		}
	}
	text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// Cut is a text that is at most so wide. What was longer ends in an ellipsis.
func Cut(text string, width int) string {
	if textWidth(text) <= width {
		return text
	}
	if width <= 0 { // which has no room for the ellipsis either
		return ""
	}
	var cut strings.Builder
	room, state := width-1, -1
	for len(text) > 0 {
		cluster, rest, w, next := uniseg.FirstGraphemeClusterInString(text, state)
		if room -= w; room < 0 {
			break
		}
		cut.WriteString(cluster)
		text, state = rest, next
	}
	return cut.String() + "…"
}
