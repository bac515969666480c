// Package serve answers HTTP: /metrics, /healthz, /readyz, and /-/reload if that is allowed.
package serve

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/exporter"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/prom"
)

// Options are what is answered.
type Options struct {
	Reload bool // POST /-/reload
	Log    *slog.Logger
}

// Handler answers for an exporter.
func Handler(e *exporter.Exporter, opts Options) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(&prom.Gatherer{Families: e.Families, Others: registry}, promhttp.HandlerOpts{
		EnableOpenMetrics: true, MaxRequestsInFlight: 8, ErrorHandling: promhttp.ContinueOnError,
		ErrorLog: slog.NewLogLogger(opts.Log.Handler(), slog.LevelWarn),
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		status := e.Status()
		answer(w, status.Alive, status)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		status := e.Status()
		answer(w, status.Ready, status)
	})
	if opts.Reload {
		mux.HandleFunc("POST /-/reload", func(w http.ResponseWriter, _ *http.Request) {
			if err := e.Reload(); err != nil {
				opts.Log.Error("reload", "error", err)
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/metrics", http.StatusFound)
	})
	return mux
}

func answer(w http.ResponseWriter, good bool, status exporter.Status) {
	w.Header().Set("Content-Type", "application/json")
	if !good {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(status)
}
