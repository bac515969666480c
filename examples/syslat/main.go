// Command syslat times system calls: of a command, or of a process, with all their descendants, or of everybody.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen --target native syslat.bpf.c
//go:generate sh names.sh

func main() {
	log.SetFlags(0)
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: syslat [-p PID] [-t TIME] [-top N] [COMMAND [ARGUMENT...]]")
		flag.PrintDefaults()
	}
	pid := flag.Int("p", 0, "trace this process and its descendants (default: all processes)")
	limit := flag.Duration("t", 0, "how long (default: until Ctrl-C, or the end of the command)")
	top := flag.Int("top", 10, "show this many system calls, those with the most time first")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if *limit > 0 {
		ctx, stop = context.WithTimeout(ctx, *limit)
	}
	err := run(ctx, *pid, flag.Args(), *top)
	stop()
	if err != nil {
		log.Fatalln("syslat:", err)
	}
}

func run(ctx context.Context, pid int, command []string, top int) error {
	open, err := OpenSyslat(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.Self = int32(os.Getpid())
	open.Rodata.Root = int32(pid)
	if len(command) > 0 {
		open.Rodata.Root = open.Rodata.Self // whose only descendant is the command
	}
	syslat, err := open.Load()
	if err != nil {
		return err
	}
	defer syslat.Close()
	if err := syslat.Attach(); err != nil {
		return err
	}

	if len(command) == 0 {
		fmt.Fprintln(os.Stderr, "tracing; Ctrl-C ends it")
		<-ctx.Done()
	} else if err := execute(ctx, command); err != nil {
		return err
	}
	return report(syslat, top)
}

// execute runs the command until it ends, however it does, or the context is done.
func execute(ctx context.Context, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var status *exec.ExitError
	if errors.As(err, &status) || ctx.Err() != nil {
		return nil
	}
	return err
}

func report(syslat *Syslat, top int) error {
	type row struct {
		name string
		Latency
	}
	var rows []row
	var err error
	for call, latency := range syslat.Maps.Latencies.All(&err) {
		if latency.Calls == 0 {
			continue // the program has just added it
		}
		name, known := names[call]
		if !known {
			name = fmt.Sprint(call)
		}
		rows = append(rows, row{name, latency})
	}
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(b.TotalNS, a.TotalNS) })
	for _, row := range rows[:min(top, len(rows))] {
		fmt.Printf("%s: %d calls, %d errors, %v, %v each\n", row.name, row.Calls, row.Errors,
			time.Duration(row.TotalNS), time.Duration(row.TotalNS/row.Calls))
		draw(row.Slots[:])
	}
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
