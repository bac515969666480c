// Command gofunc times the calls of a function of a Go program.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen --target native gofunc.bpf.c

func main() {
	log.SetFlags(0)
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: gofunc [-p PID] BINARY FUNCTION\n"+
			"such as: gofunc -p 7 /proc/7/exe 'main.(*Server).Serve'")
		flag.PrintDefaults()
	}
	pid := flag.Int("p", libbpf.AllProcesses, "only this process (default: all that run the binary)")
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *pid, flag.Arg(0), flag.Arg(1))
	stop()
	if err != nil {
		log.Fatalln("gofunc:", err)
	}
}

func run(ctx context.Context, pid int, binary, function string) error {
	returns, err := findReturns(binary, function)
	if err != nil {
		return err
	}
	gofunc, err := LoadGofunc(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer gofunc.Close()
	// A probe at each return instruction: a return probe would change the stack, which Go's runtime does not survive.
	at := libbpf.UprobeOptions{Function: function}
	for _, offset := range returns {
		if _, err := gofunc.Programs.Leave.AttachUprobe(pid, binary, offset, at); err != nil {
			return err
		}
	}
	if _, err := gofunc.Programs.Enter.AttachUprobe(pid, binary, 0, at); err != nil {
		return err
	}

	fmt.Fprintf(os.Stderr, "%s returns at %d places; Ctrl-C ends it\n", function, len(returns))
	<-ctx.Done()
	calls := atomic.LoadUint64(&gofunc.Bss.Calls)
	if calls == 0 {
		fmt.Println("no calls")
		return nil
	}
	total := time.Duration(atomic.LoadUint64(&gofunc.Bss.TotalNS))
	fmt.Printf("%s: %d calls, %v, %v each\n", function, calls, total, total/time.Duration(calls))
	draw(gofunc.Bss.Slots[:])
	return nil
}

// draw prints the slots from the first to the last that has something.
func draw(slots []uint64) {
	first := slices.IndexFunc(slots, func(n uint64) bool { return n > 0 })
	if first < 0 {
		return
	}
	last := len(slots) - 1
	for slots[last] == 0 {
		last--
	}
	most := slices.Max(slots)
	for i := first; i <= last; i++ {
		bar := strings.Repeat("#", int(slots[i]*40/most))
		fmt.Printf("  %12v |%-40s| %d\n", time.Duration(1)<<i, bar, slots[i])
	}
}
