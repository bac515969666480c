// Command dnslat shows DNS queries with the time that their answers take. It sees the packets of its network namespace.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen dnslat.bpf.c

func main() {
	log.SetFlags(0)
	slow := flag.Duration("slow", 0, "show only what takes this long or longer")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *slow)
	stop()
	if err != nil {
		log.Fatalln("dnslat:", err)
	}
}

func run(ctx context.Context, slow time.Duration) error {
	dns, err := LoadDnslat(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer dns.Close()
	answers, err := dns.AnswersReader()
	if err != nil {
		return err
	}
	defer answers.Close()

	// A packet socket sees what all devices send and receive. Its filter is the program, and lets nothing through.
	allProtocols := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}) // in network order
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(socket)
	if err := libbpf.AttachSocketFilter(socket, dns.Programs.DNS); err != nil {
		return err
	}
	if err := unix.Bind(socket, &unix.SockaddrLinklayer{Protocol: allProtocols}); err != nil {
		return os.NewSyscallError("bind", err)
	}

	fmt.Printf("%-12s %-24s %-9s %-6s %10s  %s\n", "TIME", "SERVER", "RESULT", "TYPE", "TOOK", "NAME")
	for answer := range answers.Records(ctx, &err) {
		took := time.Duration(answer.TookNS)
		if took < slow {
			continue
		}
		name, typ, result := question(answer.Message[:answer.Size])
		fmt.Printf("%-12s %-24v %-9s %-6s %10v  %s\n", time.Now().Format("15:04:05.000"),
			netip.AddrFrom16(answer.Server).Unmap(), result, typ, took.Round(time.Microsecond), name)
	}
	if lost := atomic.LoadUint64(&dns.Bss.Lost); lost > 0 {
		fmt.Fprintln(os.Stderr, lost, "answers were lost")
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
