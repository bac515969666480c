// Command protocols counts the packets of its network namespace by protocol.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen protocols.bpf.c

var (
	// names are those of enum protocol.
	names = []string{
		"other", "ARP", "IPv4", "IPv6", "ICMP", "TCP", "HTTP", "HTTPS", "SSH", "UDP", "DNS", "QUIC",
	}
	// stages are those of enum stage.
	stages = []string{"ipv4", "ipv6", "tcp", "udp"}
)

func main() {
	log.SetFlags(0)
	limit := flag.Duration("t", 0, "how long (default: until Ctrl-C)")
	without := flag.String("without", "", "do not look into these, with commas: "+strings.Join(stages, ", "))
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if *limit > 0 {
		ctx, stop = context.WithTimeout(ctx, *limit)
	}
	err := run(ctx, strings.FieldsFunc(*without, func(r rune) bool { return r == ',' }))
	stop()
	if err != nil {
		log.Fatalln("protocols:", err)
	}
}

func run(ctx context.Context, without []string) error {
	protocols, err := LoadProtocols(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer protocols.Close()
	for _, name := range without {
		stage := slices.Index(stages, name)
		if stage < 0 {
			return fmt.Errorf("no stage %q", name)
		}
		// Stages can be taken away, put back and replaced at any time, also while packets come.
		if err := protocols.Maps.Stages.Delete(uint32(stage)); err != nil {
			return err
		}
	}

	// A packet socket sees what all devices send and receive. Its filter is the first stage, and lets nothing through.
	allProtocols := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}) // in network order
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(socket)
	if err := libbpf.AttachSocketFilter(socket, protocols.Programs.LinkLayer); err != nil {
		return err
	}
	if err := unix.Bind(socket, &unix.SockaddrLinklayer{Protocol: allProtocols}); err != nil {
		return os.NewSyscallError("bind", err)
	}

	began := time.Now()
	fmt.Fprintln(os.Stderr, "counting; Ctrl-C ends it")
	<-ctx.Done()
	fmt.Printf("%-8s %10s %12s   in %v\n", "PROTOCOL", "PACKETS", "BYTES", time.Since(began).Round(time.Millisecond))
	for protocol, cpus := range protocols.Maps.Traffic.All(&err) {
		var sum Traffic
		for _, cpu := range cpus {
			sum.Packets += cpu.Packets
			sum.Bytes += cpu.Bytes
		}
		if sum.Packets > 0 {
			fmt.Printf("%-8s %10d %12d\n", names[protocol], sum.Packets, sum.Bytes)
		}
	}
	return err
}
