package programs

import (
	"fmt"
	"strings"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// graph are the blocks of instructions that run one after the other, and the jumps between them, for dot(1).
func (d *dumper) graph(name string, lines []line) string {
	starts := d.blocks(lines)
	var text strings.Builder
	fmt.Fprintf(&text, "digraph %s {\n  node [shape=box, fontname=monospace];\n", quote(name))
	block := -1
	var label strings.Builder
	finish := func(next int) {
		if block < 0 {
			return
		}
		fmt.Fprintf(&text, "  n%d [label=\"%s\"];\n", block, label.String())
		label.Reset()
		last := lines[next-1]
		index := *last.Index
		i := d.info.XlatedInstructions[index]
		to, jumps := target(index, i)
		if jumps {
			fmt.Fprintf(&text, "  n%d -> n%d;\n", block, to)
		}
		always := i.Code == exit || i.Code == classJMP || i.Code == jumpLong
		if !always && next < len(lines) {
			fmt.Fprintf(&text, "  n%d -> n%d [style=dashed];\n", block, *lines[next].Index)
		}
	}
	for n, l := range lines {
		if starts[*l.Index] {
			finish(n)
			block = *l.Index
		}
		if l.Function != "" {
			label.WriteString(escape(l.Function) + ":\\l")
		}
		fmt.Fprintf(&label, "%d: %s\\l", *l.Index, escape(l.Text))
	}
	finish(len(lines))
	text.WriteString("}\n")
	return text.String()
}

// blocks are the instructions at which a block begins.
func (d *dumper) blocks(lines []line) map[int]bool {
	starts := map[int]bool{0: true}
	for _, l := range lines {
		index := *l.Index
		if l.Function != "" {
			starts[index] = true
		}
		i := d.info.XlatedInstructions[index]
		to, jumps := target(index, i)
		if jumps {
			starts[to] = true
		}
		if jumps || i.Code == exit {
			starts[index+1] = true
		}
	}
	return starts
}

// escape makes a text part of a string of dot's.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(cli.Safe(text))
}

func quote(text string) string { return `"` + escape(text) + `"` }
