// Command offcpu shows how long the threads of processes are off the CPU: waiting for a lock, a disk, a timer, a CPU.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen offcpu.bpf.c

func main() {
	log.SetFlags(0)
	root := flag.Int("p", 0, "only this process and its descendants (default: all processes)")
	limit := flag.Duration("t", 0, "how long (default: until Ctrl-C)")
	top := flag.Int("top", 5, "show this many processes, those that waited longest first")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if *limit > 0 {
		ctx, stop = context.WithTimeout(ctx, *limit)
	}
	err := run(ctx, *root, *top)
	stop()
	if err != nil {
		log.Fatalln("offcpu:", err)
	}
}

func run(ctx context.Context, root, top int) error {
	open, err := OpenOffcpu(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.Root = int32(root)
	offcpu, err := open.Load()
	if err != nil {
		return err
	}
	defer offcpu.Close()
	if err := offcpu.Attach(); err != nil {
		return err
	}

	fmt.Fprintln(os.Stderr, "measuring; Ctrl-C ends it")
	<-ctx.Done()
	return report(offcpu, top)
}

func report(offcpu *Offcpu, top int) error {
	type row struct {
		Process
		Waits
	}
	var rows []row
	var err error
	for process, waits := range offcpu.Maps.Waits.All(&err) {
		rows = append(rows, row{process, waits})
	}
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(b.TotalNS, a.TotalNS) })
	for _, row := range rows[:min(top, len(rows))] {
		fmt.Printf("%s (%d): off the CPU %d times, %v\n", row.Comm, row.PID, row.Count, time.Duration(row.TotalNS))
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
