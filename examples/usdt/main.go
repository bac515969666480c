// Command usdt shows when programs reach the probes that their authors have put into them, and with which arguments.
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

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen --target native usdt.bpf.c

func main() {
	log.SetFlags(0)
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: usdt BINARY                                       lists the probes\n"+
			"       usdt [-p PID] [-text INDEX] BINARY PROVIDER:PROBE   shows what they report")
		flag.PrintDefaults()
	}
	pid := flag.Int("p", libbpf.AllProcesses, "only this process (default: all that run the binary)")
	text := flag.Int("text", -1, "the argument, from 0 on, that points to text")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	switch provider, probe, found := strings.Cut(flag.Arg(1), ":"); {
	case flag.NArg() == 1:
		err = list(flag.Arg(0))
	case flag.NArg() == 2 && found:
		err = run(ctx, *pid, *text, flag.Arg(0), provider, probe)
	default:
		flag.Usage()
		os.Exit(2)
	}
	stop()
	if err != nil {
		log.Fatalln("usdt:", err)
	}
}

func run(ctx context.Context, pid, text int, binary, provider, probe string) error {
	open, err := OpenUsdt(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.TextArg = int32(text)
	usdt, err := open.Load()
	if err != nil {
		return err
	}
	defer usdt.Close()
	hits, err := usdt.HitsReader()
	if err != nil {
		return err
	}
	defer hits.Close()
	if _, err := usdt.Programs.OnProbe.AttachUSDT(pid, binary, provider, probe, libbpf.USDTOptions{}); err != nil {
		return err
	}

	fmt.Printf("%7s %7s %-16s %s\n", "PID", "TID", "COMMAND", "ARGUMENTS")
	for hit := range hits.Records(ctx, &err) {
		fmt.Printf("%7d %7d %-16s", hit.PID, hit.TID, hit.Comm)
		for i, arg := range hit.Args[:min(int(hit.Count), len(hit.Args))] {
			if i == text {
				fmt.Printf(" %q", hit.Text.String())
			} else {
				fmt.Printf(" %d", arg)
			}
		}
		fmt.Println()
	}
	if lost := atomic.LoadUint64(&usdt.Bss.Lost); lost > 0 {
		fmt.Fprintln(os.Stderr, lost, "hits were lost")
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
