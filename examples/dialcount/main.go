// Command dialcount counts the connections that the processes of a cgroup open. It starts the counting and ends; later
// it shows the counts, or takes over from an older version of itself, without losing one.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

//go:generate go tool bpfgo gen dialcount.bpf.c

func main() {
	log.SetFlags(0)
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: dialcount [-pins FOLDER] start CGROUP | show | stop")
		flag.PrintDefaults()
	}
	pins := flag.String("pins", "/sys/fs/bpf/dialcount", "the folder of the pins, on a BPF file system")
	flag.Parse()
	var err error
	switch command := flag.Arg(0); {
	case command == "start" && flag.NArg() == 2:
		err = start(*pins, flag.Arg(1))
	case command == "show" && flag.NArg() == 1:
		err = show(*pins)
	case command == "stop" && flag.NArg() == 1:
		err = os.RemoveAll(*pins) // with the last pin of a link, the program is detached
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		log.Fatalln("dialcount:", err)
	}
}

// start attaches the programs, or puts them in the place of those that run. Either way they use the same map.
func start(pins, path string) error {
	cgroup, err := os.Open(path)
	if err != nil {
		return err
	}
	defer cgroup.Close()
	if err := os.MkdirAll(pins, 0o700); err != nil {
		return err
	}
	dialcount, err := LoadDialcount(libbpf.ObjectBuilder{PinRootPath: pins})
	if err != nil {
		return err
	}
	defer dialcount.Close()
	for _, program := range []*libbpf.Program{dialcount.Programs.Connect4, dialcount.Programs.Connect6} {
		what, err := attach(program, int(cgroup.Fd()), filepath.Join(pins, program.Name()))
		if err != nil {
			return err
		}
		fmt.Println(program.Name(), what)
	}
	return nil
}

// attach replaces the program of the pinned link at once: each connection is counted by the old one or the new one.
func attach(program *libbpf.Program, cgroup int, pin string) (string, error) {
	link, err := libbpf.LinkFromPinnedPath(pin)
	if err == nil {
		defer link.Close()
		return "replaced", link.UpdateProgram(program)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	link, err = program.AttachCgroup(cgroup, libbpf.PlacementOptions{})
	if err != nil {
		return "", err
	}
	return "attached", link.Pin(pin)
}

// show needs no program: the map is enough.
func show(pins string) error {
	handle, err := libbpf.MapHandleFromPinnedPath(filepath.Join(pins, "ports"))
	if err != nil {
		return err
	}
	defer handle.Close()
	ports, err := typed.NewHash[uint32, uint64](handle)
	if err != nil {
		return err
	}
	counts := maps.Collect(ports.All(&err))
	if err != nil {
		return err
	}
	for _, port := range slices.Sorted(maps.Keys(counts)) {
		fmt.Printf("port %5d: %d\n", port, counts[port])
	}
	return nil
}
