// Command exporter exports the content of BPF maps to Prometheus and OpenTelemetry, as a YAML file says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/libbpf-go/libbpf-go"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/exporter"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/otlp"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/serve"
)

type options struct {
	config, listen string
	check          bool
	reload         bool
	statistics     bool
	endpoint       string
	interval       time.Duration
	places         decoder.Places
}

func parse() options {
	o := options{places: decoder.DefaultPlaces}
	flag.StringVar(&o.config, "config", "exporter.yml", "the configuration `file`")
	flag.BoolVar(&o.check, "check", false, "check the configuration and the objects, and end: that needs no privileges")
	flag.StringVar(&o.listen, "listen", ":9435", "the `address` to answer at")
	flag.BoolVar(&o.reload, "reload", false, "reload at POST /-/reload, too, not at SIGHUP only")
	flag.BoolVar(&o.statistics, "statistics", false, "measure the run time of programs: that needs CAP_SYS_ADMIN")
	flag.StringVar(&o.endpoint, "otlp", "", "send to this OpenTelemetry collector, too, such as http://127.0.0.1:4318 (`URL`; default $OTEL_EXPORTER_OTLP_ENDPOINT)")
	flag.DurationVar(&o.interval, "otlp-interval", time.Minute, "`time` between two sendings")
	flag.StringVar(&o.places.Cgroups, "cgroups", "", "`folder` of the cgroup hierarchy (default where it is mounted)")
	flag.StringVar(&o.places.Symbols, "kallsyms", o.places.Symbols, "`file` of the kernel's symbols")
	flag.StringVar(&o.places.Devices, "devices", o.places.Devices, "`folder` of block devices by number")
	flag.StringVar(&o.places.Pods, "pods", o.places.Pods, "`folder` of the logs of pods")
	flag.StringVar(&o.places.Logs, "containers", o.places.Logs, "`folder` of the logs of containers")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "exporter takes no arguments, such as %q; see -help\n", flag.Arg(0))
		os.Exit(2)
	}
	return o
}

func main() {
	o := parse()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	slog.SetDefault(log)
	libbpf.SetPrint(libbpf.PrintWarn, libbpf.SlogPrint(log))
	tables := decoder.NewTables(o.places)
	if o.check {
		if err := exporter.Check(o.config, tables); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(o, tables, log); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o options, tables *decoder.Tables, log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)

	e, err := start(ctx, o.config, tables, log)
	if err != nil || e == nil {
		return err
	}
	defer e.Close()
	// It listens when it can answer: until then, a probe is refused, and does not hang.
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	if o.statistics {
		if err := e.MeasurePrograms(); err != nil {
			return err
		}
	}
	if o.endpoint != "" || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") != "" {
		sender, err := otlp.Start(ctx, o.endpoint, o.interval, e.Families)
		if err != nil {
			return err
		}
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			e.Finish()
			if err := sender.Close(ctx); err != nil {
				log.Error("the last numbers could not be sent", "error", err)
			}
		}()
	}
	server := &http.Server{
		Handler: serve.Handler(e, serve.Options{Reload: o.reload, Log: log}), ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	log.Info("exporting", "config", o.config, "address", listener.Addr().String())
	go func() { // a reload waits for snapshots, and a signal to end must not wait for it
		for range hangup {
			if err := e.Reload(); err != nil {
				log.Error("reload", "error", err)
			}
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	stop() // a second signal ends the exporter at once
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// start starts the exporter. It returns nil if a signal came first: what was loaded until then goes with the process.
func start(ctx context.Context, config string, tables *decoder.Tables, log *slog.Logger) (*exporter.Exporter, error) {
	type result struct {
		e   *exporter.Exporter
		err error
	}
	started := make(chan result, 1)
	go func() {
		e, err := exporter.Start(config, tables, log)
		started <- result{e, err}
	}()
	select {
	case r := <-started:
		return r.e, r.err
	case <-ctx.Done():
		return nil, nil
	}
}
