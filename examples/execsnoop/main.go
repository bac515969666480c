// Command execsnoop shows which programs are executed, with their arguments, and how processes end.
package main

import (
	"bytes"
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

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen execsnoop.bpf.c

func main() {
	log.SetFlags(0)
	root := flag.Int("p", 0, "show only descendants of this process (default: all processes)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *root)
	stop()
	if err != nil {
		log.Fatalln("execsnoop:", err)
	}
}

func run(ctx context.Context, root int) error {
	open, err := OpenExecsnoop(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.Root = int32(root)
	snoop, err := open.Load()
	if err != nil {
		return err
	}
	defer snoop.Close()
	events, err := snoop.EventsReader()
	if err != nil {
		return err
	}
	defer events.Close()
	if err := snoop.Attach(); err != nil {
		return err
	}

	fmt.Printf("%-12s %-5s %7s %7s %5s  %s\n", "TIME", "EVENT", "PID", "PARENT", "UID", "WHAT")
	for event := range events.Records(ctx, &err) {
		now := time.Now().Format("15:04:05.000")
		switch event.Kind {
		case KindExec:
			fmt.Printf("%-12s exec  %7d %7d %5d  %s\n", now, event.PID, event.Parent, event.UID, arguments(event))
		case KindExit:
			fmt.Printf("%-12s exit  %7d %7d %5d  %s: %s after %v\n", now, event.PID, event.Parent, event.UID,
				event.Comm, ending(event.ExitCode), time.Duration(event.LifetimeNS).Round(time.Millisecond))
		}
	}
	if lost := atomic.LoadUint64(&snoop.Bss.Lost); lost > 0 {
		fmt.Fprintln(os.Stderr, lost, "events were lost")
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// arguments are the arguments as text; those with odd characters are quoted.
func arguments(event *Event) string {
	size := min(int(event.Size), len(event.Args))
	var text []byte
	for i, arg := range bytes.Split(bytes.TrimSuffix(event.Args[:size], []byte{0}), []byte{0}) {
		if i > 0 {
			text = append(text, ' ')
		}
		if quoted := fmt.Sprintf("%q", arg); len(quoted) != len(arg)+2 || bytes.ContainsRune(arg, ' ') {
			arg = []byte(quoted)
		}
		text = append(text, arg...)
	}
	if int(event.Size) > size {
		text = append(text, "..."...)
	}
	return string(text)
}

func ending(code int32) string {
	status := unix.WaitStatus(code)
	if status.Signaled() {
		return unix.SignalName(status.Signal())
	}
	return fmt.Sprintf("status %d", status.ExitStatus())
}
