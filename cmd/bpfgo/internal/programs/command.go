// Package programs has "bpfgo prog": it shows, dumps, runs and pins programs in the kernel.
package programs

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pins"
)

// operand says what PROG is.
const operand = "PROG is a program in the kernel, " + pick.WaysOfProgram + "."

// Command is "bpfgo prog".
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "prog",
		Short: "show, dump, run and pin programs in the kernel",
		Long: `Works with a program that is in the kernel. "bpfgo list programs" lists them all.

` + operand,
		Example: `  bpfgo prog show on_exec

  bpfgo prog dump on_exec --jited`,
	}, showCommand(env), dumpCommand(env), runCommand(env), pinned.PinCommand(env), pinned.UnpinCommand(env))
}

// pinned is how programs are pinned.
var pinned = pins.Kind{
	Name: "program", Command: "prog", Operand: "PROG", Ways: operand, Complete: pick.CompleteProgram,
	Open: func(what string) (pins.Object, error) { return pinnable(pick.Program(what)) },
	OpenPin: func(path string) (pins.Object, error) {
		p, err := libbpf.ProgramHandleFromPinnedPath(path)
		return pinnable(p, pick.PinError(path, err))
	},
}

func pinnable(p *libbpf.ProgramHandle, err error) (pins.Object, error) {
	if err != nil {
		return pins.Object{}, err
	}
	info, err := p.Info(0)
	if err != nil {
		return pins.Object{}, errors.Join(err, p.Close())
	}
	return pins.Object{ID: info.ID, Pin: p.Pin, Unpin: p.Unpin, Close: p.Close}, nil
}
