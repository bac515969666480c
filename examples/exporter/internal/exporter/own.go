package exporter

import (
	"os"
	"strings"
	"time"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
)

// own are the metrics of the exporter itself.
type own struct {
	families []model.Family
	index    map[string]int
	now      time.Time
}

// add adds a series. labels are names and values by turns.
func (w *own) add(name string, kind model.Kind, help string, value float64, labels ...string) {
	at, ok := w.index[name]
	if !ok {
		at = len(w.families)
		w.index[name] = at
		w.families = append(w.families, model.Family{Name: config.Reserved + name, Help: help, Kind: kind, Time: w.now})
	}
	s := model.Series{Value: value, Start: started}
	for i := 0; i < len(labels); i += 2 {
		s.Labels = append(s.Labels, model.Label{Name: labels[i], Value: model.Text(labels[i+1])})
	}
	w.families[at].Series = append(w.families[at].Series, s)
}

var started = time.Now()

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func (e *Exporter) own(r *running) []model.Family {
	w := &own{index: map[string]int{}, now: time.Now()}
	w.add("config_reloads_total", model.Counter, "Reloads of the configuration.", float64(e.reloads.Load()))
	w.add("config_reload_failures_total", model.Counter, "Reloads that failed: the configuration stayed as it was.", float64(e.failures.Load()))
	w.add("config_last_reload_successful", model.Gauge, "Whether the last reload was.", truth(!e.refused.Load()))
	w.add("config_last_success_timestamp_seconds", model.Gauge, "When the running configuration was read.", float64(e.reloaded.Load()))
	w.add("program_statistics_enabled", model.Gauge, "Whether the kernel measures the run time of programs.",
		truth(e.statistics.Load() != nil || sysctlOn()))
	for _, o := range r.objects {
		w.add("object_loaded", model.Gauge, "Whether an object is in the kernel.", truth(o.err == nil), "object", o.name)
		if o.collector != nil {
			w.object(o)
		}
	}
	return w.families
}

func (w *own) object(o *object) {
	for _, p := range o.collector.Loaded.Programs() {
		labels := []string{"object", o.name, "program", p.Name}
		w.add("program_attached", model.Gauge, "Whether a program is attached.", truth(p.Attached), labels...)
		w.add("program_runs_total", model.Counter, "Runs of a program, while the kernel measures.", float64(p.Runs), labels...)
		w.add("program_run_seconds_total", model.Counter, "Time that a program ran, while the kernel measures.", p.Time.Seconds(), labels...)
	}
	for _, s := range o.collector.States() {
		labels := []string{"object", o.name, "map", s.Map}
		w.add("map_entries", model.Gauge, "Elements of a map, in the last good snapshot.", float64(s.Entries), labels...)
		if s.Capacity > 0 {
			w.add("map_capacity", model.Gauge, "Elements that a map has room for, of maps that can be full.", float64(s.Capacity), labels...)
		}
		if !s.Last.IsZero() {
			w.add("map_snapshot_age_seconds", model.Gauge, "Time since the last good snapshot of a map.", w.now.Sub(s.Last).Seconds(), labels...)
		}
		w.add("map_snapshot_duration_seconds", model.Gauge, "Time that the last snapshot of a map took.", s.Took.Seconds(), labels...)
		w.add("map_snapshots_total", model.Counter, "Snapshots of a map, good or not.", float64(s.Snapshots), labels...)
		w.add("map_snapshot_failures_total", model.Counter, "Snapshots of a map that failed.", float64(s.Failures), labels...)
		for _, m := range s.Metrics {
			labels := []string{"object", o.name, "metric", m.Name}
			w.add("metric_series", model.Gauge, "Series of a metric.", float64(m.Series), labels...)
			w.add("metric_overflowed_elements", model.Gauge, "Elements in the overflow series of a metric.", float64(m.Overflowed), labels...)
		}
	}
}

// sysctlOn tells whether the sysctl is on, which somebody else may have set.
func sysctlOn() bool {
	text, err := os.ReadFile("/proc/sys/kernel/bpf_stats_enabled")
	return err == nil && strings.TrimSpace(string(text)) == "1"
}
