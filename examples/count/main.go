// Command count counts the system calls of a process for a second.
package main

import (
	_ "embed"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

//go:generate sh -c "go tool bpfgo btf dump > vmlinux.h"
//go:generate sh -c "clang -g -O2 -target bpf $(go tool bpfgo cflags) -c count.bpf.c -o count.bpf.o"

//go:embed count.bpf.o
var object []byte

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: count PID")
	}
	pid, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	open, err := libbpf.OpenMemory(object)
	if err != nil {
		return err
	}
	defer open.Close()
	if err := open.SetGlobal("pid", pid); err != nil {
		return err
	}
	loaded, err := open.Load()
	if err != nil {
		return err
	}
	defer loaded.Close()
	if _, err := loaded.Attach(); err != nil {
		return err
	}
	calls, err := typed.NewGlobal[uint64](loaded, "calls")
	if err != nil {
		return err
	}
	defer calls.Close()
	time.Sleep(time.Second)
	n, err := calls.Get()
	fmt.Println(n, "system calls")
	return err
}
