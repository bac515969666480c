package serve

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/exporter"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// served is an exporter of the calls of getpgid of this process, which are n, and a server for it.
func served(t *testing.T, n int) (server *httptest.Server, path string) {
	t.Helper()
	testutil.Root(t)
	object, err := filepath.Abs("../../testdata/shapes.bpf.o")
	testutil.Check(t, err)
	needs.ToLoadFile(t, object)
	path = filepath.Join(t.TempDir(), "x.yml")
	testutil.Check(t, os.WriteFile(path, []byte(`interval: 1h
objects:
  - file: `+object+`
    attach: [count]
    set: {pid: `+strconv.Itoa(os.Getpid())+`}
    metrics:
      - {name: calls_total, help: "Calls of \\ all.", type: counter, map: counted, value: count}
      - name: native_seconds
        type: histogram
        map: plain
        labels: [{name: name, key: name}]
        buckets: {type: exp2_zero, array: slots, sum: sum, native: true}
        exemplar: {value: example, labels: [{name: trace_id, value: trace_id, decoders: [hex]}]}
      - {name: cpus_total, type: counter, map: counted, value: count, per_cpu: label}
`), 0o600))
	log := slog.New(slog.DiscardHandler)
	e, err := exporter.Start(path, decoder.NewTables(decoder.DefaultPlaces), log)
	testutil.Check(t, err)
	t.Cleanup(e.Close)
	for range n {
		testutil.Getpgid(0)
	}
	testutil.Check(t, e.Reload()) // which takes a snapshot
	server = httptest.NewServer(Handler(e, Options{Reload: true, Log: log}))
	t.Cleanup(server.Close)
	return server, path
}

// reply is a response that was read to its end.
type reply struct {
	status int
	header http.Header
	path   string // after redirects
	body   []byte
}

func get(t *testing.T, server *httptest.Server, path, accept string) reply {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, server.URL+path, nil)
	testutil.Check(t, err)
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	response, err := server.Client().Do(request)
	testutil.Check(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	testutil.Check(t, err)
	return reply{response.StatusCode, response.Header, response.Request.URL.Path, body}
}

// Prometheus' own parser reads the numbers.
func TestScrape(t *testing.T) {
	server, _ := served(t, 7)
	scrape := get(t, server, "/metrics", "")
	if kind := scrape.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Error(kind)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(scrape.body))
	testutil.Check(t, err)
	calls := families["calls_total"]
	if calls.GetType() != dto.MetricType_COUNTER || calls.GetHelp() != `Calls of \ all.` || calls.Metric[0].Counter.GetValue() != 7 {
		t.Error(calls)
	}
	sum := 0.0
	for _, m := range families["cpus_total"].Metric {
		sum += m.Counter.GetValue()
	}
	if sum != 7 {
		t.Errorf("%v calls on all CPUs", sum)
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes", "bpf_exporter_map_snapshot_age_seconds"} {
		if families[name] == nil {
			t.Errorf("no %s", name)
		}
	}
}

func TestProtobufAndOpenMetrics(t *testing.T) {
	server, _ := served(t, 3)
	scrape := get(t, server, "/metrics", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	decoder := expfmt.NewDecoder(bytes.NewReader(scrape.body), expfmt.ResponseFormat(scrape.header))
	seen := false
	for {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if f.GetName() == "calls_total" {
			seen = true
			if f.Metric[0].Counter.GetValue() != 3 || f.Metric[0].Counter.CreatedTimestamp == nil {
				t.Error(&f)
			}
		}
	}
	if !seen {
		t.Error("no calls_total")
	}
	scrape = get(t, server, "/metrics", "application/openmetrics-text; version=1.0.0")
	if text := string(scrape.body); !strings.Contains(text, "\ncalls_total 3.0\n") || !strings.HasSuffix(text, "# EOF\n") {
		t.Error(text[:min(len(text), 2000)])
	}
}

func TestHealth(t *testing.T) {
	server, path := served(t, 1)
	for _, page := range []string{"/healthz", "/readyz"} {
		if a := get(t, server, page, ""); a.status != http.StatusOK || !strings.Contains(string(a.body), `"name": "counted"`) {
			t.Errorf("%s: %d %s", page, a.status, a.body)
		}
	}
	if a := get(t, server, "/", ""); a.path != "/metrics" {
		t.Error(a.path)
	}
	reload := func() (int, string) {
		response, err := server.Client().Post(server.URL+"/-/reload", "", nil)
		testutil.Check(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		testutil.Check(t, err)
		return response.StatusCode, string(body)
	}
	if status, body := reload(); status != http.StatusOK {
		t.Error(status, body)
	}
	testutil.Check(t, os.WriteFile(path, []byte("objects: 3"), 0o600))
	if status, body := reload(); status != http.StatusInternalServerError || !strings.Contains(body, "x.yml:1: objects must be a list") {
		t.Error(status, body)
	}
	if a := get(t, server, "/-/reload", ""); a.status != http.StatusMethodNotAllowed {
		t.Error(a.status)
	}
}
