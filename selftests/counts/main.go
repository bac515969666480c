// Counts counts its own calls of getpgid and getsid, makes some on each CPU, and compares the counts.
package main

import (
	"embed"
	"encoding/binary"
	"fmt"
	"maps"
	"os"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/selftests"
)

// The pattern also matches the source. Otherwise nothing could be built before 'make bpf'.
//
//go:embed counts.bpf.*
var files embed.FS

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "counts:", err)
		os.Exit(1)
	}
}

func run() error {
	object, err := files.ReadFile("counts.bpf.o")
	if err != nil {
		return err
	}
	open, err := libbpf.ObjectBuilder{Name: "counts"}.OpenMemory(object)
	if err != nil {
		return err
	}
	defer open.Close()
	if err := open.SetGlobal("target_tgid", os.Getpid()); err != nil {
		return err
	}
	if err := open.SetGlobal("numbers", [2]uint32{unix.SYS_GETPGID, unix.SYS_GETSID}); err != nil {
		return err
	}
	obj, err := open.Load()
	if err != nil {
		return err
	}
	defer obj.Close()
	if _, err := obj.Attach(); err != nil {
		return err
	}

	const pgids, sids = 3000, 1000 // on each CPU
	n, err := selftests.OnEachCPU(func() {
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

	calls, err := obj.Map("calls")
	if err != nil {
		return err
	}
	counted := make(map[uint32]uint64)
	for key := range calls.Keys(&err) {
		number := binary.NativeEndian.Uint32(key)
		perCPU, err := calls.LookupPerCPU(key, libbpf.Any)
		if err != nil {
			return err
		}
		for _, value := range perCPU {
			counted[number] += binary.NativeEndian.Uint64(value)
		}
	}
	if err != nil {
		return err
	}
	memory, offset, err := obj.GlobalMemory("total")
	if err != nil {
		return err
	}
	defer memory.Close()
	total, err := libbpf.MemoryAt[uint64](memory, offset)
	if err != nil {
		return err
	}

	cpus := uint64(n)
	fmt.Printf("counts: on %d CPUs: getpgid %d, getsid %d, together %d\n",
		cpus, counted[unix.SYS_GETPGID], counted[unix.SYS_GETSID], *total)
	want := map[uint32]uint64{unix.SYS_GETPGID: cpus * pgids, unix.SYS_GETSID: cpus * sids}
	if !maps.Equal(counted, want) || *total != cpus*(pgids+sids) {
		return fmt.Errorf("want %v by number, %d together, not %v and %d", want, cpus*(pgids+sids), counted, *total)
	}
	return nil
}
