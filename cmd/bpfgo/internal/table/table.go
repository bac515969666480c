// Package table writes rows in columns that fit a terminal.
package table

import (
	"io"
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
	var text strings.Builder
	for _, row := range safe {
		t.writeRow(&text, env, row, widths)
	}
	return text.String()
}

// widths are the widths of the columns.
func (t *Table) widths(rows [][]Cell, width int) []int {
	widths := make([]int, len(t.Columns))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], uniseg.StringWidth(cell.Text))
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
		padding := strings.Repeat(" ", widths[i]-uniseg.StringWidth(shown))
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
	if uniseg.StringWidth(text) <= width {
		return text
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
