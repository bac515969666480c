package run

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/metrics"
)

// Prometheus gets the numbers of the maps while the object runs.
func TestMetrics(t *testing.T) {
	t.Setenv(helperVariable, "")
	s := start(t, append(slowCalls(t), "--json", "--quiet", "--metrics", "127.0.0.1:0", "--metrics-limit", "9", "--dump",
		"stats", "--dump", ".rodata", "--top", "1", "--", "sh", "-c", "echo ready; sleep 100")...)
	s.line(t, "ready")
	var address []string
	for address == nil {
		address = regexp.MustCompile(`metrics are at (http://\S+)`).FindStringSubmatch(s.stderr.String())
		time.Sleep(time.Millisecond)
	}
	response, err := http.Get(address[1])
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# TYPE bpfgo_events_total counter\nbpfgo_events_total{map=\"events\"} ",
		"bpfgo_lost_events_total{counted_by=\"programs\"} 0\n",
		"\nbpfgo_program_runs_total{program=\"on_sys_enter\"} ",
		"\nbpfgo_maps_read_failed{map=\"stats\"} 0\n",
		"\nbpfgo_map_stats_count{map=\"stats\",key=\"SYS_",
		"\nbpfgo_maps_entries{map=\".rodata\"} 1\n",
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%q is not in\n%s", want, body)
		}
	}
	if regexp.MustCompile(`\nbpfgo_maps_series_left_out\{map="stats"\} 0\n`).Match(body) {
		t.Errorf("nothing is left out of\n%s", body)
	}
}

func TestMetricsFailures(t *testing.T) {
	_, stderr, status := tool.Run("run", syscallsObject(t), "--metrics", "nonsense")
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "--metrics nonsense: ")
}

// Prometheus refuses an answer in which two series are the same.
func TestSeriesAreUnique(t *testing.T) {
	c := collection{series: map[string]bool{}}
	for _, tt := range []struct {
		name  string
		label metrics.Label
		want  bool
	}{
		{"a", metrics.Label{Name: "key", Value: "\xff"}, true},
		{"a", metrics.Label{Name: "key", Value: "\xfe"}, false}, // the same in UTF-8
		{"b", metrics.Label{Name: "key", Value: "\xff"}, true},
		{"a", metrics.Label{Name: "key", Value: "x"}, true},
		{"a", metrics.Label{Name: "other", Value: "x"}, true},
	} {
		if got := c.first(tt.name, []metrics.Label{tt.label}); got != tt.want {
			t.Errorf("%s of %v: %v", tt.name, tt.label, got)
		}
	}
}
