package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

const versionHelp = `usage: bpfgo version

Prints the versions of bpfgo, of its libbpf and of the running kernel.
`

func runVersion(args []string, stdout, _ io.Writer) error {
	if len(args) > 0 {
		return usagef("version takes no arguments")
	}
	self := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		self = cmp.Or(info.Main.Version, self)
	}
	kernel := "unknown"
	var name unix.Utsname
	if err := unix.Uname(&name); err == nil {
		kernel = unix.ByteSliceToString(name.Release[:])
	}
	_, err := fmt.Fprintf(stdout, "bpfgo   %s\nlibbpf  %s\nkernel  %s\n", self, libbpf.Version(), kernel)
	return err
}

// quiet turns off libbpf's messages. Those about errors are in the errors.
func quiet() { libbpf.SetPrint(libbpf.PrintWarn, nil) }
