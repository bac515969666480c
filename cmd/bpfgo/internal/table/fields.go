package table

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// Fields are the names and values of one thing, a line each.
type Fields struct{ lines [][2]string }

// Add adds a line. A value that is empty has none.
func (f *Fields) Add(name, value string) {
	if value != "" {
		f.lines = append(f.lines, [2]string{name, value})
	}
}

// Text is the lines, with the values below each other.
func (f *Fields) Text(env *cli.Env) string {
	widest := 0
	for _, line := range f.lines {
		widest = max(widest, uniseg.StringWidth(line[0]))
	}
	var text strings.Builder
	for _, line := range f.lines {
		padding := strings.Repeat(" ", widest-uniseg.StringWidth(line[0])+gap)
		text.WriteString(env.Paint(cli.Bold, line[0]) + padding + cli.Safe(line[1]) + "\n")
	}
	return text.String()
}
