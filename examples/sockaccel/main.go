// Command sockaccel makes connections over the loopback faster: what one process sends goes to the other one past TCP.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen sockaccel.bpf.c

func main() {
	log.SetFlags(0)
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: sockaccel CGROUP (a folder, such as /sys/fs/cgroup/system.slice)")
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, flag.Arg(0))
	stop()
	if err != nil {
		log.Fatalln("sockaccel:", err)
	}
}

func run(ctx context.Context, path string) error {
	cgroup, err := os.Open(path)
	if err != nil {
		return err
	}
	defer cgroup.Close()
	accel, err := LoadSockaccel(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer accel.Close()
	// First what runs for the sockets in the map, then what puts them there.
	if _, err := accel.Programs.Redirect.AttachSockmap(accel.Maps.Sockets.Map()); err != nil {
		return err
	}
	if _, err := accel.Programs.OnSocket.AttachCgroup(int(cgroup.Fd()), libbpf.PlacementOptions{}); err != nil {
		return err
	}

	fmt.Println("new connections are faster; Ctrl-C ends it")
	<-ctx.Done()
	fmt.Printf("%d sockets, %d bytes past TCP\n",
		atomic.LoadUint64(&accel.Bss.SocketsAdded), atomic.LoadUint64(&accel.Bss.BytesMoved))
	return nil
}
