package table

import (
	"testing"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// The widest of the columns that can shrink gives way, and what a terminal can't show is no part of a text.
func TestWidths(t *testing.T) {
	tbl := Table{Columns: []Column{{Name: "id", Right: true}, {Name: "name", Shrink: true}, {Name: "held by", Shrink: true}}}
	tbl.Add("7", "twelve chars", "somebody who has a very long name\x1b[2J")
	tbl.Add("12", "x", "y")
	for width, want := range map[int]string{
		0:  "id  name          held by\n 7  twelve chars  somebody who has a very long name\\x1b[2J\n12  x             y\n",
		30: "id  name          held by\n 7  twelve chars  somebody wh…\n12  x             y\n",
		24: "id  name       held by\n 7  twelve c…  somebody…\n12  x          y\n",
	} {
		if got := tbl.Text(cli.Quiet(nil, nil), width); got != want {
			t.Errorf("width %d:\n%swant\n%s", width, got, want)
		}
	}
}

func TestFields(t *testing.T) {
	var f Fields
	f.Add("id", "7")
	f.Add("name", "")
	f.Add("held by", "a\x1b[2J")
	if got, want := f.Text(cli.Quiet(nil, nil)), "id       7\nheld by  a\\x1b[2J\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
