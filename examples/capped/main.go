// Command capped gives the kernel another TCP congestion control: one that has never more than a few packets on their
// way.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen --target native capped.bpf.c

func main() {
	log.SetFlags(0)
	packets := flag.Uint("packets", 10, "the most packets of a connection that are on their way")
	flag.Parse()
	if *packets < 1 || *packets > math.MaxInt32 {
		log.Fatalln("capped: at least one packet must be on its way")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, uint32(*packets))
	stop()
	if err != nil {
		log.Fatalln("capped:", err)
	}
}

func run(ctx context.Context, packets uint32) error {
	open, err := OpenCapped(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.Most = packets
	capped, err := open.Load()
	if err != nil {
		return err
	}
	defer capped.Close()
	if err := capped.Attach(); err != nil { // registers it
		return err
	}

	fmt.Println("the congestion control bpf_capped is there; Ctrl-C removes it")
	<-ctx.Done()
	fmt.Printf("%d connections had it; it held them back %d times\n",
		atomic.LoadUint64(&capped.Bss.Connections), atomic.LoadUint64(&capped.Bss.CappedTimes))
	return nil
}
