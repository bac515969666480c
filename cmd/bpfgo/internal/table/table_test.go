package table

import (
	"io"
	"slices"
	"testing"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

func TestText(t *testing.T) {
	table := Table{Columns: []Column{{Name: "id", Right: true}, {Name: "name", Shrink: true}, {Name: "at"}}}
	table.Add("7", "a name that is long", "here")
	table.Add("1234", "大きい\x1b[0m", "and there, too")
	env := cli.Quiet(io.Discard, io.Discard)
	for width, want := range map[int]string{
		0: "  id  name                 at\n" +
			"   7  a name that is long  here\n" +
			"1234  大きい\\x1b[0m        and there, too\n",
		32: "  id  name        at\n" +
			"   7  a name th…  here\n" +
			"1234  大きい\\x1…  and there, too\n",
		// It does not become narrower than columns of some characters.
		1: "  id  name      at\n" +
			"   7  a name …  here\n" +
			"1234  大きい\\…  and the…\n",
	} {
		if got := table.Text(env, width); got != want {
			t.Errorf("width %d:\n%s\nwant\n%s", width, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"大大大", 5, "大大…"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"}, {"", 1, ""}, {"a", 0, ""},
		{"abc", 1, "…"},
	} {
		if got := Cut(tt.text, tt.width); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

// How wide columns become where there is no room for all: the widest one that may gives way first, and the last one where
// none may.
func TestWidths(t *testing.T) {
	const none = "                                        " // 40 columns
	for _, tt := range []struct {
		columns []Column
		cells   []int
		width   int
		want    []int
	}{
		{[]Column{{}}, []int{20}, 12, []int{12}},
		{[]Column{{}}, []int{20}, 1, []int{least}},
		{[]Column{{}, {}}, []int{20, 20}, 41, []int{20, 19}},
		{[]Column{{Shrink: true}, {Shrink: true}}, []int{20, 10}, 31, []int{19, 10}},
		{[]Column{{Shrink: true}, {Shrink: true}, {}}, []int{20, 20, 8}, 51, []int{20, 19, 8}},
		{[]Column{{Shrink: true}, {}}, []int{20, 20}, 32, []int{10, 20}},
		{[]Column{{Shrink: true}, {}}, []int{10, 20}, 22, []int{least, 12}},
	} {
		table := Table{Columns: tt.columns}
		row := make([]Cell, len(tt.cells))
		for i, n := range tt.cells {
			row[i].Text = "x" + none[:n-2] + "x"
		}
		if got := table.widths([][]Cell{row}, tt.width); !slices.Equal(got, tt.want) {
			t.Errorf("%v in %d columns: %v, want %v", tt.cells, tt.width, got, tt.want)
		}
	}
}

func TestTextWidth(t *testing.T) {
	for text, want := range map[string]int{"": 0, " ~": 2, "大": 2, "\x01": 0} {
		if got := textWidth(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestStyle(t *testing.T) {
	env := cli.Quiet(io.Discard, io.Discard)
	root := &cobra.Command{Use: "x", Run: func(*cobra.Command, []string) {}}
	env.Prepare(root)
	if status := env.Execute(root, []string{"--color=always"}); status != 0 {
		t.Fatal(status)
	}
	table := Table{Columns: []Column{{Name: "A"}, {Name: "B", Right: true}}, Rows: [][]Cell{{{Text: "a"}, {"b", cli.Bold}}}}
	if got, want := table.Text(env, 0), env.Paint(cli.Bold, "A")+"  "+env.Paint(cli.Bold, "B")+"\na  "+env.Paint(cli.Bold, "b")+"\n"; got != want || env.Paint(cli.Bold, "b") == "b" {
		t.Errorf("%q, want %q", got, want)
	}
}
