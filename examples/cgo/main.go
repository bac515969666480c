// Command cgo opens a BPF object in Go and has C code describe it: see docs/interop.md of libbpf-go.
package main

import (
	"fmt"
	"os"

	"github.com/libbpf-go/libbpf-go"

	"example.org/cgo/describe"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cgo:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: cgo OBJECT")
	}
	open, err := libbpf.OpenFile(args[0])
	if err != nil {
		return err
	}
	defer open.Close()
	programs, err := describe.Describe(open)
	if err != nil {
		return err
	}
	fmt.Printf("%d programs, libbpf %s\n", programs, libbpf.Version())
	return nil
}
