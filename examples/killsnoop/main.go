// Command killsnoop shows signals: who sends which one to whom.
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

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen killsnoop.bpf.c

func main() {
	log.SetFlags(0)
	target := flag.Int("p", 0, "show only signals to this process (default: to all)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *target)
	stop()
	if err != nil {
		log.Fatalln("killsnoop:", err)
	}
}

func run(ctx context.Context, target int) error {
	open, err := OpenKillsnoop(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.Target = int32(target)
	snoop, err := open.Load()
	if err != nil {
		return err
	}
	defer snoop.Close()
	signals, err := snoop.SignalsReader()
	if err != nil {
		return err
	}
	defer signals.Close()
	if err := snoop.Attach(); err != nil {
		return err
	}

	fmt.Printf("%-10s %7s %-16s    %7s %-16s\n", "SIGNAL", "FROM", "", "TO", "")
	for s := range signals.Records(ctx, &err) {
		ignored := ""
		if s.Ignored.Get() {
			ignored = " (ignored)"
		}
		fmt.Printf("%-10s %7d %-16s -> %7d %s%s\n", unix.SignalName(unix.Signal(s.Number)), s.Sender, s.SenderComm,
			s.Receiver, s.ReceiverComm, ignored)
	}
	if lost := atomic.LoadUint64(&snoop.Bss.Lost); lost > 0 {
		fmt.Fprintln(os.Stderr, lost, "signals were lost")
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
