// Command count counts the system calls of a process for a second.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen count.bpf.c

func run(pid int) error {
	open, err := OpenCount(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.PID = int32(pid) // a global variable, before Load

	count, err := open.Load()
	if err != nil {
		return err
	}
	defer count.Close() // detaches as well
	firsts, err := count.FirstsReader()
	if err != nil {
		return err
	}
	defer firsts.Close()
	if err := count.Attach(); err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for first := range firsts.Records(ctx, &err) { // in place, as *First
		fmt.Printf("%s makes system call %d\n", first.Thread, first.Call)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	for call, n := range count.Maps.Counts.All(&err) { // a *typed.Hash[uint32, uint64]
		fmt.Printf("system call %d: %d\n", call, n)
	}
	fmt.Println(atomic.LoadUint64(&count.Bss.Total), "system calls") // the memory that the program adds to
	return err
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: count PID")
	}
	pid, err := strconv.Atoi(os.Args[1])
	if err == nil {
		err = run(pid)
	}
	if err != nil {
		log.Fatal(err)
	}
}
