package histogram

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func scale(t *testing.T, text string) Scale {
	t.Helper()
	s, err := ParseScale(text)
	testutil.Check(t, err)
	return s
}

func TestRanges(t *testing.T) {
	for text, want := range map[string][]string{
		"log2":          {"[0, 2)", "[2, 4)", "[4, 8)"},
		"":              {"[0, 2)", "[2, 4)", "[4, 8)"},
		"bits":          {"[0, 1)", "[1, 2)", "[2, 4)"},
		"linear":        {"[0, 1)", "[1, 2)", "[2, 3)"},
		"linear:10":     {"[0, 10)", "[10, 20)", "[20, 30)"},
		"linear:0.5:-1": {"[-1, -0.5)", "[-0.5, 0)", "[0, 0.5)"},
	} {
		h := New(scale(t, text), make([]uint64, 4))
		for slot, want := range want {
			if got := h.text(slot); got != want {
				t.Errorf("%s: slot %d is %s, want %s", text, slot, got, want)
			}
		}
	}
	h := New(scale(t, "log2"), make([]uint64, 64))
	for slot, want := range map[int]string{9: "[512, 1k)", 10: "[1k, 2k)", 19: "[512k, 1M)", 62: "[4E, 8E)", 63: "[8E, ...)"} {
		if got := h.text(slot); got != want {
			t.Errorf("slot %d is %s, want %s", slot, got, want)
		}
	}
}

func TestParseScale(t *testing.T) {
	got := scale(t, "linear:10:-50,ms")
	if want := (Scale{Linear, 10, -50, "ms"}); got != want {
		t.Errorf("%+v", got)
	}
	for _, text := range []string{"log", "log2:3", "linear:0", "linear:-1", "linear:x", "linear:1:x", "linear:NaN", "linear:1e300"} {
		if got, err := ParseScale(text); err == nil {
			t.Errorf("%s is %+v", text, got)
		}
	}
}

func TestText(t *testing.T) {
	env := cli.Quiet(io.Discard, io.Discard)
	var out strings.Builder
	for _, h := range []*Histogram{
		New(scale(t, "log2,us"), []uint64{0, 0, 3, 120, 999, 1, 0, 0, 0, 0, 12, 0, 1, 0, 0, 0}),
		New(scale(t, "linear:10:-20"), []uint64{1, 0, 7, 2}),
		New(scale(t, "log2"), make([]uint64, 8)),
		New(scale(t, "log2"), append(make([]uint64, 63), 5, 6, 7)),
		{Scale: scale(t, "bits"), Label: "comm=\"a\x1b[31mb\"", counts: []uint64{1, 0, math.MaxUint64, math.MaxUint64}},
	} {
		for _, width := range []int{0, 60, 5} {
			out.WriteString(h.Text(env, width) + "\n")
		}
	}
	clitest.Golden(t, "text.golden", out.String())
	if strings.Contains(out.String(), "\x1b") {
		t.Error("a label reaches the terminal raw")
	}
}

func TestPercentiles(t *testing.T) {
	h := New(scale(t, "linear"), []uint64{50, 40, 9, 1, 0})
	for percent, want := range map[uint64]int{1: 0, 50: 0, 51: 1, 90: 1, 91: 2, 99: 2, 100: 3} {
		if got := h.percentile(percent); got != want {
			t.Errorf("p%d is in slot %d, want %d", percent, got, want)
		}
	}
	if got := New(scale(t, "linear"), make([]uint64, 3)).percentile(50); got != -1 {
		t.Errorf("nothing has its middle in slot %d", got)
	}
}

func TestRecord(t *testing.T) {
	got, err := json.Marshal(New(scale(t, "log2,ns"), []uint64{0, 2, 0, 2}).Record())
	testutil.Check(t, err)
	const want = `{"scale":"log2","unit":"ns","total":4,"percentiles":{"p50":{"low":2,"high":4,"count":2},` +
		`"p90":{"low":8,"count":2},"p99":{"low":8,"count":2}},` +
		`"buckets":[{"low":2,"high":4,"count":2},{"low":4,"high":8,"count":0},{"low":8,"count":2}]}`
	if !bytes.Equal(got, []byte(want)) {
		t.Errorf("%s", got)
	}
}
