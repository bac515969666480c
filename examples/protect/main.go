// Command protect forbids everybody, root too, to write to files, to remove and to rename them, as long as it runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen --target native protect.bpf.c

func main() {
	log.SetFlags(0)
	flag.Usage = func() { fmt.Fprintln(os.Stderr, "usage: protect FILE...") }
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, flag.Args())
	stop()
	if err != nil {
		log.Fatalln("protect:", err)
	}
}

func run(ctx context.Context, files []string) error {
	protect, err := LoadProtect(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer protect.Close()
	denials, err := protect.DenialsReader()
	if err != nil {
		return err
	}
	defer denials.Close()
	names := make(map[uint64]string)
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close() // an open file keeps its inode in memory, and with it what the map has for it
		info, err := f.Stat()
		if err != nil {
			return err
		}
		names[info.Sys().(*syscall.Stat_t).Ino] = path
		if err := protect.Maps.Files.Update(int(f.Fd()), 1, libbpf.Any); err != nil {
			return err
		}
	}
	if err := protect.Attach(); err != nil {
		return err
	}

	fmt.Printf("%d files are protected; Ctrl-C ends that\n", len(names))
	actions := map[Action]string{ActionWrite: "write to", ActionRemove: "remove", ActionRename: "rename"}
	for denial := range denials.Records(ctx, &err) {
		fmt.Printf("%s (%d) may not %s %s\n", denial.Comm, denial.PID, actions[denial.Action], names[denial.Inode])
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
