// Command tcplife shows each TCP connection when it ends: between whom, how long, how many bytes, the round trip time.
package main

import (
	"cmp"
	"context"
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

//go:generate go tool bpfgo gen tcplife.bpf.c

func main() {
	log.SetFlags(0)
	all := flag.Bool("a", false, "all network namespaces (default: that of this process)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *all)
	stop()
	if err != nil {
		log.Fatalln("tcplife:", err)
	}
}

func run(ctx context.Context, all bool) error {
	open, err := OpenTcplife(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	if !all {
		var ns unix.Stat_t
		if err := unix.Stat("/proc/self/ns/net", &ns); err != nil {
			return err
		}
		open.Rodata.Netns = uint32(ns.Ino)
	}
	life, err := open.Load()
	if err != nil {
		return err
	}
	defer life.Close()
	events, err := life.EventsReader()
	if err != nil {
		return err
	}
	defer events.Close()
	if err := life.Attach(); err != nil {
		return err
	}

	fmt.Printf("%7s %-16s %-24s %-24s %10s %10s %9s %s\n",
		"PID", "COMMAND", "LOCAL", "REMOTE", "SENT", "RECEIVED", "RTT", "LASTED")
	for event := range events.Records(ctx, &err) {
		pid, command := "-", "(accepted)"
		if event.Who.PID != 0 {
			pid, command = fmt.Sprint(event.Who.PID), event.Who.Comm.String()
		}
		fmt.Printf("%7s %-16s %-24v %-24v %10d %10d %9v %v\n", pid, cmp.Or(command, "-"),
			address(event.Local, event.LocalPort), address(event.Remote, event.RemotePort), event.Sent, event.Received,
			time.Duration(event.RTTUs)*time.Microsecond, time.Duration(event.LastedNS).Round(time.Microsecond))
	}
	if lost := atomic.LoadUint64(&life.Bss.Lost); lost > 0 {
		fmt.Fprintln(os.Stderr, lost, "connections were lost")
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func address(ip [16]uint8, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(ip).Unmap(), port)
}
