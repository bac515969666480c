// Command opensnoop shows which files are opened, by whom, and what fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen --target native opensnoop.bpf.c

func main() {
	log.SetFlags(0)
	root := flag.Int("p", 0, "show only this process and its descendants (default: all processes)")
	failures := flag.Bool("x", false, "show only what fails")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *root, *failures)
	stop()
	if err != nil {
		log.Fatalln("opensnoop:", err)
	}
}

func run(ctx context.Context, root int, failures bool) error {
	open, err := OpenOpensnoop(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.Root = int32(root)
	open.Rodata.Self = int32(os.Getpid())
	open.Rodata.Failures.Set(failures)
	open.Rodata.NrOpen = sysOpen
	open.Rodata.NrOpenat = unix.SYS_OPENAT
	open.Rodata.NrOpenat2 = unix.SYS_OPENAT2
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

	fmt.Printf("%7s %-16s %-7s %-10s %s\n", "PID", "COMMAND", "RESULT", "HOW", "PATH")
	for event := range events.Records(ctx, &err) {
		result := fmt.Sprint(event.Result)
		if event.Result < 0 {
			result = unix.ErrnoName(unix.Errno(-event.Result))
		}
		fmt.Printf("%7d %-16s %-7s %-10s %s\n", event.PID, event.Comm, result, how(event.Flags), event.Path)
	}
	if lost := atomic.LoadUint64(&snoop.Bss.Lost); lost > 0 {
		fmt.Fprintln(os.Stderr, lost, "events were lost")
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// how names the flags that matter most.
func how(flags uint32) string {
	names := []string{[]string{"r", "w", "rw", "?"}[flags&unix.O_ACCMODE]}
	for _, flag := range []struct {
		bits uint32
		name string
	}{{unix.O_CREAT, "creat"}, {unix.O_TRUNC, "trunc"}, {unix.O_APPEND, "append"}} {
		if flags&flag.bits != 0 {
			names = append(names, flag.name)
		}
	}
	return strings.Join(names, ",")
}
