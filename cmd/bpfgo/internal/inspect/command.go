// Package inspect has "bpfgo inspect".
package inspect

import (
	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kernel"
)

type options struct {
	json        *cli.JSON
	kernelBTF   string
	relocations bool
	raw         bool
}

// Command is "bpfgo inspect".
func Command(env *cli.Env) *cobra.Command {
	var opts options
	cmd := &cobra.Command{
		Use:   "inspect OBJ... [flags]",
		Short: "show what is in objects, and what this kernel lacks for them",
		Long: `Shows what is in compiled objects: programs and what they attach to, maps, global variables with their initial
values, externs, and CO-RE relocations. It looks up in the running kernel what the object needs. Then it lists
what the kernel lacks: types of programs and maps, helpers, functions, tracepoints, settings.

It loads nothing, and works without privileges and for objects of the other byte order. What can be found out
only with CAP_BPF is then "unknown". With --kernel-btf, it looks at the types of another kernel instead.

A relocation that is "poisoned" finds nothing in the kernel: libbpf replaces the instruction by one that the
verifier rejects if the program can reach it. Guard it with bpf_core_field_exists or its like.`,
		Example: `  bpfgo inspect app.bpf.o

  # will it run on another kernel?
  bpfgo inspect --kernel-btf 5.10.btf app.bpf.o

  # the programs that need a helper
  bpfgo inspect --json app.bpf.o | jq '.objects[].programs[] | select(.helpers | index("bpf_loop")).name'`,
		Args: cli.Operands(1, cli.Any, "an object"),
	}
	opts.json = env.JSONFlag(cmd, "show the objects as JSON")
	flags := cmd.Flags()
	flags.BoolVar(&opts.raw, "raw", false, "with --json, the bytes of variables in hexadecimal too")
	flags.BoolVar(&opts.relocations, "relocations", false, "show each CO-RE relocation and what it becomes")
	flags.StringVar(&opts.kernelBTF, "kernel-btf", "",
		"look at the types in this `file` instead of the running kernel: raw BTF, or an ELF file with BTF")
	cmd.RunE = func(_ *cobra.Command, paths []string) error { return run(env, &opts, paths) }
	return cmd
}

func run(env *cli.Env, opts *options, paths []string) error {
	k, err := openKernel(opts.kernelBTF)
	if err != nil {
		return err
	}
	defer k.Close()
	objects := []*object{}
	var warnings []string
	for _, path := range paths {
		o, err := read(path, k)
		switch {
		case err == nil:
			objects = append(objects, o)
		case len(paths) == 1:
			return err
		default: // show the others
			warnings = append(warnings, cli.OneLine(err.Error()))
		}
	}
	if opts.json.On {
		for _, o := range objects {
			o.trim(opts)
		}
		err = env.WriteDocument(opts.json, cli.Document{Name: "objects", Value: objects, Warnings: warnings})
	} else {
		err = show(env, opts, objects)
	}
	if err != nil || len(warnings) == 0 {
		return err
	}
	for _, w := range warnings {
		env.Note("%s", w)
	}
	return cli.Exit(cli.StatusFailed)
}

func openKernel(path string) (*kernel.Kernel, error) {
	if path == "" {
		return kernel.Running(), nil
	}
	return kernel.FromFile(path)
}

// trim leaves out of the JSON what was not asked for.
func (o *object) trim(opts *options) {
	if !opts.raw {
		for i := range o.Variables {
			o.Variables[i].Raw = ""
		}
	}
	if o.Relocations != nil && !opts.relocations {
		o.Relocations.All = o.Relocations.bad
	}
}
