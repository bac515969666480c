// Command cgroupmeter shows what each cgroup sends and receives over a network device.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen cgroupmeter.bpf.c

func main() {
	log.SetFlags(0)
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: cgroupmeter [-every TIME] [-cgroups FOLDER] DEVICE")
		flag.PrintDefaults()
	}
	every := flag.Duration("every", 0, "show the traffic of each such time (default: of all the time, at the end)")
	cgroups := flag.String("cgroups", "/sys/fs/cgroup", "where cgroups of version 2 are mounted")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, flag.Arg(0), *cgroups, *every)
	stop()
	if err != nil {
		log.Fatalln("cgroupmeter:", err)
	}
}

func run(ctx context.Context, device, cgroups string, every time.Duration) error {
	iface, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	meter, err := LoadCgroupmeter(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer meter.Close()
	for _, program := range []*libbpf.Program{meter.Programs.Egress, meter.Programs.Ingress} {
		if _, err := program.AttachTCX(iface.Index, libbpf.PlacementOptions{}); err != nil {
			return err
		}
	}

	fmt.Fprintln(os.Stderr, "counting; Ctrl-C ends it")
	var show <-chan time.Time
	if every > 0 {
		show = time.Tick(every)
	}
	before := map[uint64]Traffic{}
	for {
		select {
		case <-ctx.Done():
			return report(meter, cgroups, before)
		case <-show:
			if err := report(meter, cgroups, before); err != nil {
				return err
			}
		}
	}
}

// report prints the traffic since the last report, the largest first.
func report(meter *Cgroupmeter, cgroups string, before map[uint64]Traffic) error {
	type row struct {
		id uint64
		Traffic
	}
	var rows []row
	var err error
	for id, now := range meter.Maps.Cgroups.All(&err) {
		old := before[id]
		before[id] = now
		now.SentPackets -= old.SentPackets
		now.SentBytes -= old.SentBytes
		now.ReceivedPackets -= old.ReceivedPackets
		now.ReceivedBytes -= old.ReceivedBytes
		if now.SentPackets+now.ReceivedPackets > 0 {
			rows = append(rows, row{id, now})
		}
	}
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Compare(b.SentBytes+b.ReceivedBytes, a.SentBytes+a.ReceivedBytes)
	})
	names := paths(cgroups)
	fmt.Printf("%10s %12s %10s %12s  %s\n", "SENT", "BYTES", "RECEIVED", "BYTES", "CGROUP")
	for _, row := range rows {
		fmt.Printf("%10d %12d %10d %12d  %s\n", row.SentPackets, row.SentBytes, row.ReceivedPackets,
			row.ReceivedBytes, cmp.Or(names[row.id], fmt.Sprintf("(%d)", row.id)))
	}
	return nil
}

// paths returns the paths of all cgroups by their ids, which are the numbers of the folders' inodes.
func paths(root string) map[uint64]string {
	found := map[uint64]string{0: "(no socket)"}
	// What can't be read, or has gone meanwhile, is shown by its number.
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			name, _ := filepath.Rel(root, path)
			found[info.Sys().(*syscall.Stat_t).Ino] = filepath.Join("/", name)
		}
		return nil
	})
	return found
}
