package run

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/setting"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

func TestParseRunOptions(t *testing.T) {
	want := &runOptions{
		object:       "prog.o",
		command:      []string{"cmd", "--json", "--", "x"},
		settings:     []setting.Setting{{Name: "a", Value: "1"}, {Name: "b", Value: "x=y"}},
		pinRoot:      "/pins",
		eventOptions: eventOptions{types: map[string]string{"events": "struct record"}},
		dumps:        []string{"one", "two"},
		interval:     time.Second,
		sort:         view.Sort{Column: "total:ns", Descending: true},
		top:          3,
		metricsLimit: 10000,
		hists:        histOptions{},
		frequency:    usualFrequency,
	}
	object := []string{"prog.o"}
	flags := []string{"--set", "a=1", "--set=b=x=y", "--event", "events=struct record", "--dump", "one", "--dump=two",
		"--interval", "1s", "--sort", "total:ns:desc", "--top=3", "--pin-root", "/pins"}
	command := []string{"--", "cmd", "--json", "--", "x"}
	for _, args := range [][][]string{
		{object, flags, command}, {flags, object, command}, {flags[:3], object, flags[3:], command},
	} {
		var all []string
		for _, part := range args {
			all = append(all, part...)
		}
		got := &runOptions{}
		cmd := newCommand(cli.Quiet(io.Discard, io.Discard), got)
		if err := cmd.ParseFlags(all); err != nil {
			t.Errorf("%q: %v", all, err)
			continue
		}
		if err := got.operands(cmd, cmd.Flags().Args()); err != nil {
			t.Errorf("%q: %v", all, err)
		}
		got.json = nil
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(runOptions{}, eventOptions{}, window{}, moment{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", all, diff)
		}
	}
}

func TestAppendRow(t *testing.T) {
	columns := []decode.Column{{Width: 4, Right: true}, {Width: 3}, {}}
	var got []byte
	for _, row := range [][]string{
		{"1", "a", "b", "more"},
		{"12345", "", "b"},
		{"1", "wide", "é"},
		{"", ""},
		{strings.Repeat("x", 50), "a"},
		{"2", "b", "c"},
	} {
		got = appendRow(got, row, columns)
	}
	want := "   1  a    b  more\n" +
		"12345       b\n" +
		"    1  wide  é\n" +
		"\n" +
		strings.Repeat("x", 50) + "  a\n" +
		strings.Repeat(" ", 39) + "2  b     c\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestPerfPadding(t *testing.T) {
	var text strings.Builder
	out := newOutput(&text, &cli.JSON{On: true})
	unknown := &stream{name: "p", perf: true}
	for _, record := range []string{"\x01", "\x01\x00\x00"} {
		if err := out.event(unknown, 3, []byte(record), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.flush(); err != nil {
		t.Fatal(err)
	}
	want := `{"map":"p","cpu":3,"data":"01"}` + "\n" + `{"map":"p","cpu":3,"data":"010000"}` + "\n"
	if text.String() != want {
		t.Errorf("records of unknown type: %s, want %s", text.String(), want)
	}
}

// Names come from the object, and it may have been made by anybody.
func TestNamesAreSafe(t *testing.T) {
	columns := []decode.Column{{Name: "a"}}
	if got := string(appendRow(nil, []string{"RED\x1b[31m"}, columns)); got != "RED\\x1b[31m\n" {
		t.Errorf("%q", got)
	}
	s := stream{name: "\x1b]0;title\a", label: 5}
	if got := string(s.appendLabel(nil)); got != `\x1b]0;title\a  ` {
		t.Errorf("%q", got)
	}
}
