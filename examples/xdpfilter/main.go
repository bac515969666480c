// Command xdpfilter drops the packets that come in at a device from given networks. It takes new rules while it runs.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

//go:generate go tool bpfgo gen xdpfilter.bpf.c

func main() {
	log.SetFlags(0)
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: xdpfilter [-every TIME] DEVICE RULES\n"+
			"RULES is a file with lines such as \"drop 192.0.2.0/24\" and \"pass 192.0.2.7\". SIGHUP reads it again.")
		flag.PrintDefaults()
	}
	every := flag.Duration("every", 0, "also show the counts each time that this time has passed")
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, flag.Arg(0), flag.Arg(1), *every)
	stop()
	if err != nil {
		log.Fatalln("xdpfilter:", err)
	}
}

func run(ctx context.Context, device, file string, every time.Duration) error {
	iface, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	filter, err := LoadXdpfilter(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer filter.Close()
	f := &firewall{filter: filter, file: file}
	defer f.close()
	if err := f.reload(); err != nil {
		return err
	}
	if _, err := filter.Programs.Filter.AttachXDP(iface.Index, libbpf.XDPLinkOptions{}); err != nil {
		return err
	}

	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	var show <-chan time.Time
	if every > 0 {
		show = time.Tick(every)
	}
	fmt.Printf("%d rules on %s; SIGHUP reads them again\n", f.rules, device)
	for {
		select {
		case <-ctx.Done():
			return f.report()
		case <-show:
			err = f.report()
		case <-reload:
			// Rules that cannot be read are no reason to let everything in.
			if err := f.reload(); err != nil {
				fmt.Fprintln(os.Stderr, "the old rules stay:", err)
			} else {
				fmt.Printf("%d rules\n", f.rules)
			}
		}
		if err != nil {
			return err
		}
	}
}

// firewall is the program with the rules in force.
type firewall struct {
	filter *Xdpfilter
	file   string
	handle *libbpf.MapHandle // of table
	table  *typed.LPMTrie[[16]uint8, Rule]
	rules  int
}

func (f *firewall) close() {
	if f.handle != nil {
		_ = f.handle.Close()
	}
}

// reload fills a new trie, and then puts it in the place of the old one. No packet meets a part of the rules.
func (f *firewall) reload() error {
	rules, err := readRules(f.file)
	if err != nil {
		return err
	}
	handle, err := f.filter.CreateInForceInner()
	if err != nil {
		return err
	}
	table, err := NewXdpfilterInForceInner(handle)
	for key, rule := range rules {
		if err == nil {
			err = table.Update(key, rule, libbpf.Any)
		}
	}
	if err == nil {
		err = f.filter.Maps.InForce.Update(0, handle, libbpf.Any)
	}
	if err != nil {
		_ = handle.Close()
		return err
	}
	f.close()
	f.handle, f.table, f.rules = handle, table, len(rules)
	return nil
}

// report prints what each rule has met since it is in force, and all that has come in.
func (f *firewall) report() error {
	var err error
	fmt.Printf("%-4s %-44s %12s %14s\n", "RULE", "SOURCE", "PACKETS", "BYTES")
	for key, rule := range f.table.All(&err) {
		fmt.Printf("%-4s %-44s %12d %14d\n", actions[rule.Drop], network(key), rule.Packets, rule.Bytes)
	}
	if err != nil {
		return err
	}
	for verdict, name := range []string{"passed", "dropped"} {
		perCPU, err := f.filter.Maps.Totals.Lookup(uint32(verdict), libbpf.Any)
		if err != nil {
			return err
		}
		var total Counts
		for _, cpu := range perCPU {
			total.Packets += cpu.Packets
			total.Bytes += cpu.Bytes
		}
		fmt.Printf("%-49s %12d %14d\n", name, total.Packets, total.Bytes)
	}
	return nil
}
