// Package generate has "bpfgo gen", and the flags for C code beside libbpf.
package generate

import (
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/internal/gen"
)

// Command is "bpfgo gen".
func Command(env *cli.Env) *cobra.Command {
	c := gen.Config{Stderr: env.Stderr, Records: map[string]string{}, Renames: map[string]string{}}
	cmd := &cobra.Command{
		Use:   "gen SOURCE... [-- CFLAGS...]",
		Short: "make Go code from BPF programs, for go:generate",
		Long: `Makes Go code from BPF programs: a skeleton, with a field for each map, program, link and global variable, and Go
types for what is in them. For a source STEM.bpf.c it writes STEM_bpf.go and, beside it, the compiled object
STEM_bpf.o, which the Go file embeds.

A SOURCE is C, which clang compiles, or a compiled object. Several are linked into one object. Sources in C find the
headers of the libbpf that libbpf-go links, and a vmlinux.h of the running kernel if they have none of their own. The
same sources give the same bytes, in any folder; for that, keep a vmlinux.h with them (bpfgo btf dump > vmlinux.h).
Begin a source in C that is in the folder of a Go package with the line "//go:build ignore".

A file that bpfgo gen did not make is never written over. After an error, all files are as they were.`,
		Example: `  # in a Go file of the package
  //go:generate go tool bpfgo gen exec.bpf.c

  # a type that no map has, and objects for two architectures
  bpfgo gen --type "struct event" --target amd64,arm64 exec.bpf.c`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				c.CFlags = append(c.CFlags, args[dash:]...)
				args = args[:dash]
			}
			if len(args) == 0 {
				return cli.Usagef("gen: give a source: SOURCE.bpf.c, or a compiled object")
			}
			c.Sources = args
			return generate(c)
		},
	}
	cli.Section(cmd, "What is made", func(flags *pflag.FlagSet) {
		flags.StringVar(&c.Name, "name", "", "`NAME` begins the Go names of the skeleton; in lower case, they are not "+
			"exported (default: the stem)")
		cli.Func(flags, "type", "TYPE", `also make this C type, such as "struct event"; can be repeated`,
			cli.List(&c.Types))
		cli.Func(flags, "const", "MACRO", "make the value of this macro a constant; can be repeated",
			cli.List(&c.Constants))
		cli.Func(flags, "record", "MAP=TYPE", "the type of the records of a ring buffer or perf buffer; can be repeated. "+
			"In the source, __type(value, struct event) in the definition of the map says the same", cli.Pairs(c.Records))
		flags.StringVar(&c.Prefix, "prefix", "", "`PREFIX` begins the Go names of types and constants")
		cli.Func(flags, "rename", "C=GO", "the Go name for a C name; can be repeated", cli.Pairs(c.Renames))
		flags.BoolVar(&c.RawEnums, "raw-enums", false, "leave the names of enumerators as they are in C")
		flags.BoolVar(&c.External, "external", false, "do not embed the object: the functions take its bytes")
	})
	cli.Section(cmd, "For what", func(flags *pflag.FlagSet) {
		flags.StringVar(&c.Targets, "target", "", "a `LIST` of what to compile C for, with commas: native, amd64, arm64, "+
			"... or bpfel, bpfeb for all architectures of an order of bytes (default: that of this machine). With several, "+
			"the names of the files have the target")
		flags.StringVar(&c.Tags, "tags", "", "a build `CONSTRAINT` for the Go files, in addition to that of the target")
		flags.StringVar(&c.Clang, "cc", "", "the C compiler's `COMMAND` (default: $CLANG, or clang)")
		flags.StringVar(&c.VMLinux, "vmlinux", "", "a vmlinux.h, or a `FILE` with a kernel's BTF, for sources that have no "+
			"vmlinux.h")
		cflag := func(letter string) func(string) error {
			return func(text string) error {
				c.CFlags = append(c.CFlags, "-"+letter+text)
				return nil
			}
		}
		cli.FuncP(flags, "include", "I", "FOLDER", "a folder with headers, for the C compiler; can be repeated", cflag("I"))
		cli.FuncP(flags, "define", "D", "MACRO[=VALUE]", "a macro for the C compiler; can be repeated. Its other flags "+
			"follow after --", cflag("D"))
	})
	cli.Section(cmd, "Where", func(flags *pflag.FlagSet) {
		flags.StringVar(&c.Output, "output", "", "the `FOLDER` to write to (default: the current one)")
		flags.StringVar(&c.Stem, "stem", "", "`STEM` begins the names of the files (default: the name of the first source, "+
			"up to the first dot)")
		flags.StringVar(&c.Package, "package", "", "the Go package's `NAME` (default: that of the folder)")
		flags.BoolVar(&c.Test, "test", false, "write STEM_bpf_test.go")
		flags.StringVar(&c.Depends, "depfile", "", "a `FILE` for a rule for make, with all sources and headers")
	})
	cmd.Flags().BoolVar(&c.Strict, "strict", false, "make warnings errors")
	cmd.Flags().BoolVar(&c.Check, "check", false, "write nothing: exit with status 1 if what is there is not what would "+
		"be made")
	return cmd
}

func generate(c gen.Config) error {
	for _, source := range c.Sources {
		if filepath.Ext(source) == ".c" {
			var err error
			if c.Headers, err = headers(); err != nil {
				return err
			}
			break
		}
	}
	return gen.Run(c)
}

// headers is the folder with the headers of the libbpf that the current folder's module links, or empty for those of the
// machine, also where there is no such module.
func headers() (string, error) {
	packages, err := listPackages(".", clibPath)
	if err != nil {
		return "", nil
	}
	lib, err := linkedLibrary(packages[0])
	return lib.headers, err
}
