package table

import (
	"io"
	"testing"

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
	} {
		if got := Cut(tt.text, tt.width); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}
