package types

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/internal/wholefile"
)

const fileUsage = "take the types of this `PATH` instead of the running kernel's: raw BTF, or an ELF file with BTF"

func minCommand() *cobra.Command {
	var out, file string
	cmd := &cobra.Command{
		Use:   "min -o OUT OBJ...",
		Short: "write the types that the relocations of objects need",
		Long: `Writes the minimal types of the running kernel for these objects: only what their CO-RE relocations need, some
kilobytes. A program that brings them can load the objects on kernels that have no types in /sys/kernel/btf
(ObjectBuilder.BTFCustom). It does what "bpftool gen min_core_btf" does.`,
		Example: "  bpfgo btf min -o 4.19.btf --file 4.19.0-27-amd64.btf app.bpf.o",
		Args:    cli.Operands(1, cli.Any, "the objects to read"),
		RunE: func(_ *cobra.Command, objects []string) error {
			if out == "" {
				return cli.Usagef("btf min: give -o OUT, the file to write")
			}
			return minimize(out, file, objects)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the `file` to write, as raw BTF; after an error it is as it was before")
	cmd.Flags().StringVar(&file, "file", "", fileUsage)
	return cmd
}

func minimize(out, file string, objects []string) error {
	kernel, err := source{file: file}.load()
	if err != nil {
		return err
	}
	defer kernel.Close()
	var relocations []*btf.Relocations
	for _, object := range objects {
		r, err := btf.RelocationsInFile(object)
		if err != nil {
			return err
		}
		defer r.Close()
		relocations = append(relocations, r)
	}
	minimal, err := btf.Minimize(relocations, kernel)
	if err != nil {
		return err
	}
	defer minimal[0].Close()
	raw, err := minimal[0].Raw()
	if err != nil {
		return err
	}
	return wholefile.Write(out, raw)
}

func relocationsCommand(env *cli.Env) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "relocations OBJ",
		Short: "show CO-RE relocations, and what they become",
		Long: `Shows the CO-RE relocations of an object, and what they become on the running kernel: function and instruction, kind,
type or member, the value for the object's own types, and the value for the kernel's:

  on_exec insn 4: byte_off struct task_struct.pid: 1264 -> 1472`,
		Example: `  bpfgo btf relocations exec.bpf.o
  bpfgo btf relocations --file 5.10.btf exec.bpf.o`,
		Args: cli.Operands(1, 1, "one object"),
	}
	mode := env.JSONFlag(cmd, "show them as JSON")
	cmd.Flags().StringVar(&file, "file", "", fileUsage)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		resolved, err := resolve(args[0], file)
		if err != nil {
			return err
		}
		if mode.On {
			return env.WriteDocument(mode, cli.Document{Name: "relocations", Value: relocationsJSON(resolved)})
		}
		out := bufio.NewWriter(env.Stdout)
		for _, r := range resolved {
			becomes := fmt.Sprintf("%d -> %d", r.Old, r.New)
			switch {
			case r.Err != nil:
				becomes = "error: " + cli.OneLine(r.Err.Error())
			case r.Poisoned:
				becomes = "not there"
			}
			fmt.Fprintf(out, "%s\n", cli.Safe(fmt.Sprintf("%s: %s", r.Relocation, becomes)))
		}
		return out.Flush()
	}
	return cmd
}

// resolve is what the relocations of an object become.
func resolve(object, file string) ([]btf.Resolution, error) {
	relocations, err := btf.RelocationsInFile(object)
	if err != nil {
		return nil, err
	}
	defer relocations.Close()
	kernel, err := source{file: file}.load()
	if err != nil {
		return nil, err
	}
	defer kernel.Close()
	return relocations.Resolve(kernel)
}

// relocation is a resolved relocation as JSON.
type relocation struct {
	Section     string  `json:"section"`
	Function    string  `json:"function"`
	Instruction int     `json:"instruction"`
	Kind        string  `json:"kind"`
	Spec        string  `json:"spec"`
	Old         uint64  `json:"old"`
	New         *uint64 `json:"new,omitempty"`   // absent where there is nothing that fits
	Error       string  `json:"error,omitempty"` // why libbpf would refuse the object
}

func relocationsJSON(resolved []btf.Resolution) []relocation {
	all := make([]relocation, 0, len(resolved))
	for _, r := range resolved {
		j := relocation{
			Section: r.Section, Function: r.Function, Instruction: r.Instruction, Kind: r.Kind.String(), Spec: r.Spec,
			Old: r.Old,
		}
		switch {
		case r.Err != nil:
			j.Error = cli.OneLine(r.Err.Error())
		case !r.Poisoned:
			value := r.New
			j.New = &value
		}
		all = append(all, j)
	}
	return all
}
