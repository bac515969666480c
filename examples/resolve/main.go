// Command resolve shows the host names that programs look up with the C library.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen --target native resolve.bpf.c

func main() {
	log.SetFlags(0)
	pid := flag.Int("p", libbpf.AllProcesses, "only this process (default: all)")
	library := flag.String("library", "libc.so.6", "a path, or a name that is looked up where libraries are")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *pid, *library)
	stop()
	if err != nil {
		log.Fatalln("resolve:", err)
	}
}

func run(ctx context.Context, pid int, library string) error {
	resolve, err := LoadResolve(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer resolve.Close()
	events, err := resolve.EventsReader()
	if err != nil {
		return err
	}
	defer events.Close()
	const function = "getaddrinfo"
	// The end first: a beginning without an end would be kept for nothing.
	for _, probe := range []struct {
		program *libbpf.Program
		returns bool
	}{{resolve.Programs.Leave, true}, {resolve.Programs.Enter, false}} {
		options := libbpf.UprobeOptions{Function: function, Retprobe: probe.returns}
		if _, err := probe.program.AttachUprobe(pid, library, 0, options); err != nil {
			return err
		}
	}

	fmt.Printf("%-12s %7s %-16s %10s %-7s %s\n", "TIME", "PID", "COMMAND", "TOOK", "RESULT", "NAME")
	for event := range events.Records(ctx, &err) {
		result := "ok"
		if event.Result != 0 {
			result = fmt.Sprintf("EAI %d", event.Result)
		}
		fmt.Printf("%-12s %7d %-16s %10v %-7s %s\n", time.Now().Format("15:04:05.000"), event.PID, event.Comm,
			time.Duration(event.TookNS).Round(time.Microsecond), result, event.Name)
	}
	if lost := atomic.LoadUint64(&resolve.Bss.Lost); lost > 0 {
		fmt.Fprintln(os.Stderr, lost, "lookups were lost")
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
