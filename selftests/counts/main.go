// Counts counts its own calls of getpgid and getsid, makes some on each CPU, and compares the counts.
package main

import (
	"fmt"
	"maps"
	"os"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cpus"
)

//go:generate go tool bpfgo gen --target native -I../../bpf/generated counts.bpf.c

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "counts:", err)
		os.Exit(1)
	}
}

func run() error {
	open, err := OpenCounts(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.TargetTGID = uint32(os.Getpid())
	open.Rodata.Numbers = [2]uint32{unix.SYS_GETPGID, unix.SYS_GETSID}
	counts, err := open.Load()
	if err != nil {
		return err
	}
	defer counts.Close()
	if err := counts.Attach(); err != nil {
		return err
	}

	const pgids, sids = 3000, 1000 // on each CPU
	onCPUs, err := cpus.Each(func() {
		for range pgids {
			_, _ = unix.Getpgid(0)
		}
		for range sids {
			_, _ = unix.Getsid(0)
		}
	})
	if err != nil {
		return err
	}

	counted := make(map[uint32]uint64)
	for number, perCPU := range counts.Maps.Calls.All(&err) {
		for _, calls := range perCPU {
			counted[number] += calls
		}
	}
	if err != nil {
		return err
	}

	total, n := counts.Bss.Total, uint64(onCPUs)
	fmt.Printf("counts: on %d CPUs: getpgid %d, getsid %d, together %d\n",
		n, counted[unix.SYS_GETPGID], counted[unix.SYS_GETSID], total)
	want := map[uint32]uint64{unix.SYS_GETPGID: n * pgids, unix.SYS_GETSID: n * sids}
	if !maps.Equal(counted, want) || total != n*(pgids+sids) {
		return fmt.Errorf("want %v by number, %d together, not %v and %d", want, n*(pgids+sids), counted, total)
	}
	return nil
}
