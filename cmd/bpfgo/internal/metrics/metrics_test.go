package metrics

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"testing"
)

var families = []Family{
	{Name: "bpfgo_events_total", Help: "Events\nof \\ maps.", Kind: Counter, Samples: []Sample{
		{Labels: []Label{{"map", "events"}}, Value: 3},
		{Labels: []Label{{"map", "a\"b\\c\n\xff\x1b"}, {"cpu", "0"}}, Value: 18446744073709551615},
	}},
	{Name: "empty", Kind: Gauge},
	{Name: "odd", Help: "x", Kind: Untyped, Samples: []Sample{
		{Value: -1.5}, {Suffix: "_bucket", Labels: []Label{{"le", "+Inf"}}, Value: math.Inf(1)}, {Value: math.NaN()},
	}},
}

const want = `# HELP bpfgo_events_total Events\nof \\ maps.
# TYPE bpfgo_events_total counter
bpfgo_events_total{map="events"} 3
bpfgo_events_total{map="a\"b\\c\n` + "\uFFFD\x1b" + `",cpu="0"} 1.8446744073709552e+19
# HELP odd x
# TYPE odd untyped
odd -1.5
odd_bucket{le="+Inf"} +Inf
odd NaN
`

func TestWrite(t *testing.T) {
	var out bytes.Buffer
	if err := Write(&out, families); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestName(t *testing.T) {
	for want, parts := range map[string][]string{
		"bpfgo_counts_total_ns": {"bpfgo", "counts", "total_ns"}, "_bss_x": {".bss", "x"}, "a_b_0_": {"a.b[0]"},
		"_abc": {"1abc"}, "_": {""}, "m__": {"mü"},
	} {
		if got := Name(parts...); got != want {
			t.Errorf("Name(%q) = %q, want %q", parts, got, want)
		}
	}
}

func TestServer(t *testing.T) {
	s, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(func() []Family { return families })
	for _, path := range []string{"/", "/metrics"} {
		response, err := http.Get("http://" + s.Address() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(body) != want {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if response, err := http.Get("http://" + s.Address()); err == nil {
		_ = response.Body.Close()
		t.Error("it answers after Close")
	}
	unused, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := unused.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Listen("nonsense"); err == nil {
		t.Error("it listens at nonsense")
	}
}
