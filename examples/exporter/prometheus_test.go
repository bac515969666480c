package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Prometheus itself scrapes the exporter, and its queries return what was counted, and how the exporter does.
func TestPrometheus(t *testing.T) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatalf("%v: run make test-exporter", err)
	}
	e := runExporter(t, `interval: 200ms
objects:
  - file: `+object(t, "shapes.bpf.o")+`
    attach: [count]
    set: {pid: `+strconv.Itoa(os.Getpid())+`}
    metrics:
      - {name: calls_total, type: counter, map: counted, value: count}
`, "")
	const calls = 1234
	for range calls {
		testutil.Getpgid(0)
	}
	server := startPrometheus(t, program, e.address)
	for query, want := range map[string]string{
		"calls_total": strconv.Itoa(calls), "sum(up)": "1", `bpf_exporter_object_loaded{object="shapes"}`: "1",
		`bpf_exporter_map_snapshot_age_seconds{map="counted"} < bool 60`: "1",
	} {
		var got string
		within(t, func() bool {
			got = server.query(t, query)
			return got == want
		})
		t.Logf("%s = %s", query, got)
	}
}

// prometheus is a running server.
type prometheus struct {
	address string
	client  *http.Client
}

func startPrometheus(t *testing.T, program, target string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	testutil.Check(t, os.WriteFile(config, fmt.Appendf(nil, `global: {scrape_interval: 1s}
scrape_configs:
  - job_name: exporter
    static_configs: [{targets: [%q]}]
`, target), 0o600))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testutil.Check(t, err)
	p := &prometheus{listener.Addr().String(), &http.Client{Timeout: 10 * time.Second}}
	testutil.Check(t, listener.Close())
	cmd := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+dir+"/data", "--web.listen-address="+p.address,
		"--enable-feature=native-histograms,exemplar-storage", "--log.level=error")
	cmd.Stderr = os.Stderr
	testutil.Check(t, cmd.Start())
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return p
}

// query is the value of an instant query, or "" for none.
func (p *prometheus) query(t *testing.T, query string) string {
	t.Helper()
	response, err := p.client.Get("http://" + p.address + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil { // it has not begun to answer
		return ""
	}
	defer response.Body.Close()
	var answer struct {
		Data struct {
			Result []struct{ Value []any }
		}
	}
	if json.NewDecoder(response.Body).Decode(&answer) != nil || len(answer.Data.Result) == 0 || len(answer.Data.Result[0].Value) < 2 {
		return ""
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}
