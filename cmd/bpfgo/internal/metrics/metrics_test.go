package metrics

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"runtime"
	"strings"
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

// A name has letters and digits of ASCII and underscores, and begins with no digit.
func TestNameCharacters(t *testing.T) {
	const letters = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for c := range byte(128) {
		first, second := "_", "_"
		if strings.IndexByte(letters, c) >= 0 {
			first = string(rune(c))
		}
		if strings.IndexByte(letters+"0123456789", c) >= 0 {
			second = string(rune(c))
		}
		if got := Name(string([]byte{c, c})); got != first+second {
			t.Errorf("%q becomes %q", []byte{c, c}, got)
		}
	}
}

// Close does not wait for ever for what is being answered.
func TestCloseWhileAnswering(t *testing.T) {
	s, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked, end, ended := make(chan bool), make(chan bool), make(chan bool)
	s.Serve(func() []Family {
		close(asked)
		<-end
		close(ended)
		return families
	})
	answered := make(chan error)
	go func() {
		response, err := http.Get("http://" + s.Address() + "/metrics")
		if err == nil {
			_ = response.Body.Close()
		}
		answered <- err
	}()
	<-asked
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-answered; err == nil {
		t.Error("it was answered")
	}
	close(end)
	<-ended
	http.DefaultClient.CloseIdleConnections()
}

// A server that ended by itself says why.
func TestServerEnds(t *testing.T) {
	s, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(func() []Family { return nil })
	if err := s.listener.Close(); err != nil {
		t.Fatal(err)
	}
	for len(s.done) == 0 {
		runtime.Gosched()
	}
	if err := s.Close(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if err := (*Server)(nil).Close(); err != nil {
		t.Error(err)
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
		if kind := response.Header.Get("Content-Type"); kind != "text/plain; version=0.0.4; charset=utf-8" {
			t.Errorf("%s is %s", path, kind)
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
