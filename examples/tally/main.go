// Command tally counts how often each line comes in its input, as "sort | uniq -c | sort -nr" does, in the kernel.
package main

import (
	"bufio"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

//go:generate go tool bpfgo gen tally.bpf.c

func main() {
	log.SetFlags(0)
	top := flag.Int("top", 10, "show this many lines, the commonest first")
	flag.Parse()
	if err := run(os.Stdin, *top); err != nil {
		log.Fatalln("tally:", err)
	}
}

func run(input io.Reader, top int) error {
	tally, err := LoadTally(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer tally.Close()
	ring, err := typed.NewUserRingBuf[Line](tally.Maps.Lines)
	if err != nil {
		return err
	}
	defer ring.Close()

	lines := bufio.NewScanner(input)
	for lines.Scan() {
		if err := send(tally, ring, lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if _, err := tally.Programs.Drain.TestRun(libbpf.TestRunOptions{}); err != nil {
		return err
	}
	return report(tally, top)
}

// send puts a line into the ring, without a system call. When the ring is full, the program empties it.
func send(tally *Tally, ring *typed.UserRingBuf[Line], text []byte) error {
	sample, err := ring.Reserve()
	if errors.Is(err, unix.ENOSPC) {
		if _, err := tally.Programs.Drain.TestRun(libbpf.TestRunOptions{}); err != nil {
			return err
		}
		sample, err = ring.Reserve()
	}
	if err != nil {
		return err
	}
	defer sample.Discard() // does nothing once it is submitted
	*sample.Value() = Line{}
	copy(sample.Value().Text[:], text) // its beginning, if it is longer
	return sample.Submit()
}

func report(tally *Tally, top int) error {
	type row struct {
		line  Line
		count uint64
	}
	var rows []row
	var err error
	for line, count := range tally.Maps.Counts.All(&err) {
		rows = append(rows, row{line, count})
	}
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.count, a.count), slices.Compare(a.line.Text[:], b.line.Text[:]))
	})
	for _, row := range rows[:min(top, len(rows))] {
		fmt.Printf("%8d %s\n", row.count, row.line.Text)
	}
	if lost := atomic.LoadUint64(&tally.Bss.Lost); lost > 0 {
		fmt.Fprintln(os.Stderr, lost, "lines were not counted: there are too many different ones")
	}
	return nil
}
