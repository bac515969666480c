// Command ours prints the first record of first.bpf.c, with libbpf-go's skeleton, and ends when standard input does.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	open, err := OpenFirst(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.Target, open.Rodata.GetpgidNr = uint32(os.Getpid()), unix.SYS_GETPGID
	first, err := open.Load()
	if err != nil {
		return err
	}
	defer first.Close()
	if err := first.Attach(); err != nil {
		return err
	}
	ring, err := first.EventsReader()
	if err != nil {
		return err
	}
	defer ring.Close()
	if _, err := unix.Getpgid(0); err != nil {
		return err
	}
	for event := range ring.Records(context.Background(), &err) {
		fmt.Println(event.PID, event.Comm)
		break
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
