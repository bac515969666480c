// Package links has "bpfgo link": it links objects, and works with the links in the kernel.
package links

import (
	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// Command is "bpfgo link".
func Command(env *cli.Env) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "link -o OUT OBJ...",
		Short: "link objects into one, or work with the links in the kernel",
		Long: `Links compiled BPF objects into one object. Functions, variables and maps that are extern in one object may be
defined in another one. Types that several objects have become one, and debug information other than BTF is left
out. The same objects in the same order give the same bytes.

The commands below are about other links: those in the kernel, which make programs run.`,
		Example: "  bpfgo link -o app.bpf.o trace.bpf.o filter.bpf.o",
		Args:    cli.Operands(1, cli.Any, "the objects to read"),
		RunE: func(_ *cobra.Command, objects []string) error {
			if out == "" {
				return cli.Usagef("link: give -o OUT, the file to write")
			}
			return link(out, objects)
		},
	}
	cmd.AddCommand(showCommand(env), detachCommand(env), pinned.PinCommand(env), pinned.UnpinCommand(env))
	cmd.Flags().StringVarP(&out, "output", "o", "", "the `file` to write; after an error it is as it was before")
	return cmd
}

func link(out string, objects []string) error {
	linker, err := libbpf.NewLinker(out)
	if err != nil {
		return err
	}
	defer linker.Close()
	for _, object := range objects {
		if err := linker.AddFile(object); err != nil {
			return err
		}
	}
	return linker.Link()
}
