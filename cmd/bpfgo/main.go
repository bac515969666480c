// Command bpfgo works with BPF from the command line: it makes Go code from BPF programs, looks into objects, tries and
// runs them, and shows what is in the kernel. "bpfgo --help" lists its commands; docs/bpfgo.md describes them.
package main

import (
	"io"
	"os"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/commands"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/guest"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/run"
)

func main() {
	if os.Args[0] == run.GuardName {
		os.Exit(run.Guard(os.Args[1:]))
	}
	libbpf.SetPrint(libbpf.PrintWarn, nil) // libbpf's messages about errors are in the errors
	if guest.Inside() {
		guest.Main(func(args []string, stdout, stderr io.Writer) int {
			env := cli.Quiet(stdout, stderr)
			return env.Execute(commands.Root(env), args)
		})
	}
	env := cli.Main()
	os.Exit(env.Execute(commands.Root(env), os.Args[1:]))
}
