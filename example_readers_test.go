package libbpf_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

// A loop reads the records of a ring buffer in place, until Ctrl-C.
func ExampleRingReader() {
	var m *libbpf.Map // a ring buffer

	reader, err := libbpf.NewRingReader(m)
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	// Records may be late by a millisecond: that takes far less CPU time, here and in programs.
	if err := reader.SetCoalesce(time.Millisecond); err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for record := range reader.Records(ctx, &err) {
		fmt.Println(len(record), "bytes") // good for this turn: copy what is kept
	}
	if !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

// A loop reads the records of all CPUs' perf buffers.
func ExamplePerfReader() {
	var m *libbpf.Map // a perf event array

	reader, err := libbpf.NewPerfReader(m, libbpf.PerfReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	for cpu, record := range reader.Records(context.Background(), &err) {
		fmt.Println(cpu, len(record), "bytes")
	}
	log.Fatal(err)
}
