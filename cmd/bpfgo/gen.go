package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/gen"
)

const genHelp = `usage: bpfgo gen [FLAGS] SOURCE... [-- CFLAGS...]

Makes Go code from BPF programs: a skeleton, with a field for each map, program, link and global variable, and Go types
for what is in them. For a source STEM.bpf.c it writes STEM_bpf.go and, beside it, the compiled object STEM_bpf.o, which
the Go file embeds. In a Go file of the package:

  //go:generate go tool bpfgo gen exec.bpf.c

A SOURCE is C, which clang compiles, or a compiled object. Several are linked into one object. Sources in C find the
headers of the libbpf that libbpf-go links, and a vmlinux.h of the running kernel if they have none of their own. The
same sources give the same bytes, in any folder; for that, keep a vmlinux.h with them (bpfgo btf dump > vmlinux.h).
Begin a source in C that is in the folder of a Go package with the line "//go:build ignore".

What is made:
  --name NAME          begins the Go names of the skeleton; in lower case, they are not exported (default: the stem)
  --type TYPE          also make this C type, such as "struct event"; can be repeated
  --const MACRO        make the value of this macro a constant; can be repeated
  --record MAP=TYPE    the type of the records of a ring buffer or perf buffer; can be repeated. In the source,
                       __type(value, struct event) in the definition of the map says the same.
  --prefix PREFIX      begins the Go names of types and constants
  --rename C=GO        the Go name for a C name; can be repeated
  --raw-enums          leave the names of enumerators as they are in C
  --external           do not embed the object: the functions take its bytes

For what:
  --target LIST        what to compile C for, with commas: native, amd64, arm64, ... or bpfel, bpfeb for all
                       architectures of an order of bytes (default: that of this machine). With several, the names of
                       the files have the target.
  --tags CONSTRAINT    a build constraint for the Go files, in addition to that of the target
  --cc COMMAND         the C compiler (default: $CLANG, or clang)
  --vmlinux FILE       a vmlinux.h, or a file with a kernel's BTF, for sources that have no vmlinux.h
  -I, -D FLAG          for the C compiler, as in -Iinclude; other flags follow after --

Where:
  --output FOLDER      the folder to write to (default: the current one)
  --stem STEM          begins the names of the files (default: the name of the first source, up to the first dot)
  --package NAME       the Go package (default: that of the folder)
  --test               write STEM_bpf_test.go
  --depfile FILE       write a rule for make, with all sources and headers

  --strict             make warnings errors
  --check              write nothing: exit with status 1 if what is there is not what would be made

A file that bpfgo gen did not make is never written over. After an error, all files are as they were.
`

// pairs is a flag of the form NAME=VALUE that can be repeated.
type pairs map[string]string

func (p pairs) String() string { return "" }

func (p pairs) Set(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found || name == "" || value == "" {
		return fmt.Errorf("must be NAME=VALUE")
	}
	p[name] = value
	return nil
}

// list is a flag that can be repeated.
type list []string

func (l *list) String() string { return "" }

func (l *list) Set(text string) error {
	*l = append(*l, text)
	return nil
}

func runGen(args []string, _, stderr io.Writer) error {
	c := gen.Config{Stderr: stderr, Records: map[string]string{}, Renames: map[string]string{}}
	args, c.CFlags = cutCFlags(args)
	flags := newFlags("gen")
	flags.StringVar(&c.Name, "name", "", "")
	flags.Var((*list)(&c.Types), "type", "")
	flags.Var((*list)(&c.Constants), "const", "")
	flags.Var(pairs(c.Records), "record", "")
	flags.StringVar(&c.Prefix, "prefix", "", "")
	flags.Var(pairs(c.Renames), "rename", "")
	flags.BoolVar(&c.RawEnums, "raw-enums", false, "")
	flags.BoolVar(&c.External, "external", false, "")
	flags.StringVar(&c.Targets, "target", "", "")
	flags.StringVar(&c.Tags, "tags", "", "")
	flags.StringVar(&c.Clang, "cc", "", "")
	flags.StringVar(&c.VMLinux, "vmlinux", "", "")
	flags.StringVar(&c.Output, "output", "", "")
	flags.StringVar(&c.Stem, "stem", "", "")
	flags.StringVar(&c.Package, "package", "", "")
	flags.BoolVar(&c.Test, "test", false, "")
	flags.StringVar(&c.Depends, "depfile", "", "")
	flags.BoolVar(&c.Strict, "strict", false, "")
	flags.BoolVar(&c.Check, "check", false, "")
	var err error
	if c.Sources, err = parseFlags(flags, args); err != nil {
		return err
	}
	if len(c.Sources) == 0 {
		return usagef("gen: give a source: SOURCE.bpf.c, or a compiled object")
	}

	quiet()
	for _, source := range c.Sources {
		if filepath.Ext(source) == ".c" {
			if c.Headers, err = headers(); err != nil {
				return err
			}
			break
		}
	}
	return gen.Run(c)
}

// cutCFlags takes the flags of the C compiler out of the arguments: -I and -D, and all after "--".
func cutCFlags(args []string) (rest, cflags []string) {
	for i, arg := range args {
		switch {
		case arg == "--":
			return rest, append(cflags, args[i+1:]...)
		case (strings.HasPrefix(arg, "-I") || strings.HasPrefix(arg, "-D")) && len(arg) > 2:
			cflags = append(cflags, arg)
		default:
			rest = append(rest, arg)
		}
	}
	return rest, cflags
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
