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
	if got := New(scale(t, "linear"), []uint64{2, 1}).percentile(67); got != 1 { // 2.01 of 3
		t.Errorf("p67 is in slot %d, want 1", got)
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

// Each scale has its slots, and what is counted in others is counted as that.
func TestSlots(t *testing.T) {
	for text, last := range map[string]int{"log2": 63, "bits": 64, "linear": maxSlots - 1} {
		h := &Histogram{Scale: scale(t, text)}
		for i, slot := range []int{-1, 0, last, last + 1} {
			h.add(slot, 1<<i)
		}
		if h.beyond != 1+8 || h.Total() != 15 || len(h.counts) != last+1 || h.counts[0] != 2 || h.counts[last] != 4 {
			t.Errorf("%s: %d slots, %d beyond, %d in total", text, len(h.counts), h.beyond, h.Total())
		}
	}
}

// Counts stay at the largest number, and are never small again.
func TestHugeCounts(t *testing.T) {
	h := New(scale(t, "linear"), []uint64{math.MaxUint64 - 1, 0})
	h.add(0, 1)
	h.add(0, 6)
	h.add(1, 7)
	h.add(-1, math.MaxUint64)
	h.add(-1, 2)
	if h.counts[0] != math.MaxUint64 || h.counts[1] != 7 || h.beyond != math.MaxUint64 || h.Total() != math.MaxUint64 {
		t.Errorf("counts are %d, %d beyond, %d in total", h.counts, h.beyond, h.Total())
	}
	h.beyond = 0
	for _, percent := range []uint64{1, 50, 100} {
		if got := h.percentile(percent); got != 0 {
			t.Errorf("p%d is in slot %d", percent, got)
		}
	}
	// Not all that is counted has a slot.
	h = &Histogram{Scale: scale(t, "log2"), counts: []uint64{1, 0, 3}, beyond: 100}
	if got := h.percentile(25); got != 0 {
		t.Errorf("p25 is in slot %d", got)
	}
	if got := h.percentile(26); got != 2 {
		t.Errorf("p26 is in slot %d", got)
	}
}

func TestSummary(t *testing.T) {
	for _, c := range []struct {
		scale  string
		counts []uint64
		beyond uint64
		want   string
	}{
		{"log2", nil, 0, "0 values"},
		{"log2", []uint64{1}, 0, "1 value; p50 in [0, 2); p90 in [0, 2); p99 in [0, 2)"},
		{"linear", []uint64{1, 1}, 0, "2 values; p50 in [0, 1); p90 in [1, 2); p99 in [1, 2)"},
		{"log2", append(make([]uint64, 8), 1, 0), 0, "1 value; p50 in [256, 512); p90 in [256, 512); p99 in [256, 512)"},
		{"log2", append(make([]uint64, 9), 1, 0), 0,
			"1 value; p50 in [512, 1k); p90 in [512, 1k); p99 in [512, 1k); k is 1024"},
		{"linear:2000", []uint64{1}, 0, "1 value; p50 in [0, 2000); p90 in [0, 2000); p99 in [0, 2000)"},
		{"bits", nil, 3, "3 values; 3 of them in slots that a bits scale does not have"},
		{"bits", []uint64{2}, 1,
			"3 values; p50 in [0, 1); p90 in [0, 1); p99 in [0, 1); 1 of them in slots that a bits scale does not have"},
	} {
		h := &Histogram{Scale: scale(t, c.scale), counts: c.counts, beyond: c.beyond}
		if got := h.summary(); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.scale, c.counts, got, c.want)
		}
	}
}

// A bar is as long as its share, in eighths of a character, and what is not 0 can be seen.
func TestBar(t *testing.T) {
	for _, c := range []struct {
		count, most uint64
		room        int
		want        string
	}{
		{0, 0, 10, ""}, {0, 5, 10, ""}, {5, 5, 3, "███"}, {1, 1000, 10, "▏"}, {1, 80, 10, "▏"}, {2, 80, 10, "▎"}, {7, 80, 10, "▉"},
		{8, 80, 10, "█"}, {9, 80, 10, "█▏"}, {1, 2, 1, "▌"}, {math.MaxUint64, math.MaxUint64, 2, "██"},
	} {
		if got := bar(c.count, c.most, c.room); got != c.want {
			t.Errorf("%d of %d in %d is %q, want %q", c.count, c.most, c.room, got, c.want)
		}
	}
}

// The columns are as wide as the widest cell, also in characters that take two places.
func TestColumns(t *testing.T) {
	env := cli.Quiet(io.Discard, io.Discard)
	for _, c := range []struct {
		h    *Histogram
		want string
	}{
		{New(scale(t, "linear"), []uint64{1, 0}), "value   count\n[0, 1)      1  ██████████\n1 value;"},
		{New(scale(t, "linear,nanoseconds"), []uint64{1, 0}), "nanoseconds  count\n[0, 1)           1  ██████████\n1 value;"},
		{New(scale(t, "linear,微秒"), []uint64{1234567, 0}), "微秒      count\n[0, 1)  1234567  ██████████\n1234567 values;"},
		{New(scale(t, "linear:10000"), []uint64{0, 5, 0}), "value           count\n[10000, 20000)      5  ██████████\n5 values;"},
		{New(scale(t, "linear,us"), nil), "0 values\n"},
		{&Histogram{Scale: scale(t, "linear"), Label: "cpu=1", counts: []uint64{1}}, "cpu=1\nvalue   count\n[0, 1)      1  ██████████\n1 value;"},
	} {
		if got := c.h.Text(env, 1); !strings.HasPrefix(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	// The longest bar ends where the line does.
	h := New(scale(t, "linear"), []uint64{1, 0})
	for width, want := range map[int]int{40: 40, 26: 26, 25: 25, 24: 25, 0: 80, -1: 80} {
		line := strings.Split(h.Text(env, width), "\n")[1]
		if got := len([]rune(line)); got != want {
			t.Errorf("in %d a line has %d: %q", width, got, line)
		}
	}
}

func TestRecordBeyond(t *testing.T) {
	for want, h := range map[string]*Histogram{
		`{"scale":"bits","total":0,"buckets":[]}`:            New(scale(t, "bits"), make([]uint64, 3)),
		`{"scale":"bits","total":3,"beyond":3,"buckets":[]}`: {Scale: scale(t, "bits"), beyond: 3},
		`{"scale":"linear","total":2,"percentiles":{"p50":{"low":0,"high":1,"count":2},"p90":{"low":0,"high":1,"count":2},` +
			`"p99":{"low":0,"high":1,"count":2}},"buckets":[{"low":0,"high":1,"count":2}]}`: New(scale(t, "linear"), []uint64{2, 0, 0}),
	} {
		got, err := json.Marshal(h.Record())
		testutil.Check(t, err)
		if string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestScaleErrors(t *testing.T) {
	for text, want := range map[string]string{
		"log":                           "must be log2, bits, or linear",
		"bits:1":                        "must be log2, bits, or linear",
		"linear:":                       "the step must be a number above 0",
		"linear:0":                      "the step must be a number above 0",
		"linear:-1":                     "the step must be a number above 0",
		"linear:1:":                     "the minimum must be a number",
		"linear:1:1x":                   "the minimum must be a number",
		"linear:1:-9007199254740993000": "the minimum must be a number",
	} {
		if _, err := ParseScale(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]Scale{
		"": {Log2, 1, 0, ""}, ",us": {Log2, 1, 0, "us"}, "bits,a,b": {Bits, 1, 0, "a,b"}, "linear": {Linear, 1, 0, ""},
		"linear:0.5": {Linear, 0.5, 0, ""}, "linear:9007199254740992:-9007199254740992": {Linear, 1 << 53, -1 << 53, ""},
	} {
		if got := scale(t, text); got != want {
			t.Errorf("%s is %+v", text, got)
		}
	}
}
