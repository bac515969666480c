// Package exporter runs a configuration, and replaces it by another one while it runs.
package exporter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libbpf-go/libbpf-go"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/collect"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/model"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/source"
)

// Exporter is a running exporter. Its methods are safe for concurrent use.
type Exporter struct {
	path   string
	tables *decoder.Tables
	log    *slog.Logger

	reloading sync.Mutex // one at a time
	finished  bool
	running   atomic.Pointer[running]
	reloads   atomic.Uint64
	failures  atomic.Uint64
	reloaded  atomic.Int64 // when the configuration was read, in seconds of Unix
	refused   atomic.Bool  // the last reload failed

	statistics atomic.Pointer[libbpf.RunTimeStats]
}

// running is a configuration at work.
type running struct {
	conf    *config.Config
	objects []*object
}

// object is an object of a configuration.
type object struct {
	name      string
	err       error // why there is no collector
	collector *collect.Collector
	stop      func() // ends the snapshots, and waits for that
}

func (r *running) find(name string) *object {
	for _, o := range r.objects {
		if o.name == name {
			return o
		}
	}
	return nil
}

// Start loads a configuration and takes the first snapshots. The caller closes the result.
func Start(path string, tables *decoder.Tables, log *slog.Logger) (*Exporter, error) {
	e := &Exporter{path: path, tables: tables, log: log}
	e.running.Store(&running{})
	if err := e.replace(); err != nil {
		return nil, err
	}
	return e, nil
}

// Reload reads the configuration again and replaces the running one. If that fails, the running one goes on.
func (e *Exporter) Reload() error {
	e.reloads.Add(1)
	err := e.replace()
	e.refused.Store(err != nil)
	if err != nil {
		e.failures.Add(1)
		return fmt.Errorf("the configuration stays as it was: %w", err)
	}
	e.log.Info("reloaded", "config", e.path)
	return nil
}

func (e *Exporter) replace() error {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	old := e.running.Load()
	if old == nil || e.finished {
		return errors.New("the exporter has ended")
	}
	conf, err := config.Read(e.path)
	if err != nil {
		return err
	}
	next, err := prepare(conf, old, e.tables, e.log)
	if err != nil {
		return err
	}
	made := next.commit(old, func(r *running) { e.running.Store(r) })
	for _, o := range made.objects {
		if o.err != nil {
			e.log.Error("an object is left out", "object", o.name, "error", o.err)
		}
	}
	e.reloaded.Store(time.Now().Unix())
	return nil
}

// MeasurePrograms makes the kernel measure the run time of programs until Close. That needs CAP_SYS_ADMIN, and costs
// each run of each program on the machine some nanoseconds.
func (e *Exporter) MeasurePrograms() error {
	statistics, err := source.Statistics()
	if err == nil {
		e.statistics.Store(statistics)
	}
	return err
}

// Finish takes the last snapshots: Families has them until Close. There are no more reloads.
func (e *Exporter) Finish() {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	e.finished = true
	r := e.running.Load()
	if r == nil {
		return
	}
	for _, o := range r.objects {
		if o.collector != nil {
			o.stop()
			o.collector.Snapshot()
		}
	}
}

// Close ends the snapshots, detaches the programs and unloads the objects.
func (e *Exporter) Close() {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	old := e.running.Swap(nil)
	if old == nil {
		return
	}
	if statistics := e.statistics.Load(); statistics != nil {
		_ = statistics.Close()
	}
	for _, o := range old.objects {
		if o.collector != nil {
			o.stop()
			o.collector.Loaded.Close()
		}
	}
}

// run takes snapshots until stop is called.
func (o *object) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.collector.Run(ctx)
	}()
	o.stop = func() {
		cancel()
		<-done
	}
}

// Families are all metrics: those of the objects, and those of the exporter itself. No two have one name.
func (e *Exporter) Families() []model.Family {
	r := e.running.Load()
	if r == nil {
		return nil
	}
	var all []model.Family
	for _, o := range r.objects {
		if o.collector != nil {
			all = append(all, o.collector.Families()...)
		}
	}
	return append(all, e.own(r)...)
}
