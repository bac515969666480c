package types

import (
	"bufio"
	"math"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// source says whose types are wanted. The zero value means the running kernel's.
type source struct {
	file, base, module string
	id                 uint64
}

// check returns an error if the flags that set it exclude one another.
func (s source) check(command string) error {
	given := 0
	for _, on := range []bool{s.file != "", s.module != "", s.id != 0} {
		if on {
			given++
		}
	}
	switch {
	case given > 1:
		return cli.Usagef("%s: --file, --module and --id exclude each other", command)
	case s.base != "" && s.file == "":
		return cli.Usagef("%s: --base needs --file", command)
	case s.id > math.MaxUint32:
		return cli.Usagef("%s: --id must be below 4294967296", command)
	}
	return nil
}

// load reads the types. Those that they refer to stay as long as they do.
func (s source) load() (*btf.BTF, error) {
	switch {
	case s.id != 0:
		return btf.FromID(uint32(s.id))
	case s.module != "":
		kernel, err := btf.LoadKernel()
		if err != nil {
			return nil, err
		}
		defer kernel.Close()
		return btf.LoadModule(s.module, kernel)
	case s.base != "":
		base, err := btf.Parse(s.base)
		if err != nil {
			return nil, err
		}
		defer base.Close()
		return btf.ParseSplit(s.file, base)
	case s.file != "":
		return btf.Parse(s.file)
	default:
		return btf.LoadKernel()
	}
}

// add gives a command the flags that set the source.
func (s *source) add(flags *pflag.FlagSet) {
	flags.StringVar(&s.file, "file", "", "take the types of this `PATH` instead of the running kernel's: an ELF file with "+
		"BTF, such as a compiled BPF object, or a file of raw BTF, such as those in /sys/kernel/btf")
	flags.StringVar(&s.base, "base", "", "the `PATH` of the types that those of the file refer to, such as "+
		"/sys/kernel/btf/vmlinux for a module's")
	flags.StringVar(&s.module, "module", "", "take the types of the module with this `NAME` of the running kernel instead")
	flags.Uint64Var(&s.id, "id", 0, "take the types that have this `NUMBER` in the kernel instead: of a program, a map or "+
		"a module")
}

func dumpCommand(env *cli.Env) *cobra.Command {
	var from source
	var unsorted bool
	cmd := &cobra.Command{
		Use:   "dump",
		Short: "write types as a C header",
		Long:  `Writes the running kernel's types (BTF) to standard output as a C header. BPF programs include it as vmlinux.h.`,
		Example: `  bpfgo btf dump > vmlinux.h
  bpfgo btf dump --file exec.bpf.o
  bpfgo btf dump --module nf_conntrack`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Usagef("btf dump: unexpected argument %q; use --file PATH to name a file", args[0])
			}
			if err := from.check("btf dump"); err != nil {
				return err
			}
			types, err := from.load()
			if err != nil {
				return err
			}
			defer types.Close()
			out := bufio.NewWriterSize(env.Stdout, 1<<16)
			if err := types.DumpC(out, btf.DumpCOptions{Unsorted: unsorted}); err != nil {
				return err
			}
			return out.Flush()
		},
	}
	from.add(cmd.Flags())
	cmd.Flags().BoolVar(&unsorted, "unsorted", false, "in the order of the types' numbers; otherwise by kind and name, as "+
		"bpftool writes them")
	return cmd
}
