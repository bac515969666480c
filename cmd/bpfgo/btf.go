package main

import (
	"bufio"
	"io"
	"math"

	"github.com/libbpf-go/libbpf-go/btf"
)

const btfDumpHelp = `usage: bpfgo btf dump [--file PATH [--base PATH] | --module NAME | --id ID] [--unsorted]

Writes the running kernel's types (BTF) to standard output as a C header. BPF programs include it as vmlinux.h.

  --file PATH    write the types of this file instead: an ELF file with BTF, such as a compiled BPF object, or
                 a file of raw BTF, such as those in /sys/kernel/btf
  --base PATH    the types that those of the file refer to, such as /sys/kernel/btf/vmlinux for a module's
  --module NAME  write the types of a module of the running kernel instead
  --id ID        write the types that have this number in the kernel instead: of a program, a map or a module
  --unsorted     in the order of the types' numbers; otherwise by kind and name, as bpftool writes them
`

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
		return usagef("%s: --file, --module and --id exclude each other", command)
	case s.base != "" && s.file == "":
		return usagef("%s: --base needs --file", command)
	case s.id > math.MaxUint32:
		return usagef("%s: --id must be below 4294967296", command)
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

func runBTFDump(args []string, stdout, _ io.Writer) error {
	flags := newFlags("btf dump")
	var from source
	flags.StringVar(&from.file, "file", "", "")
	flags.StringVar(&from.base, "base", "", "")
	flags.StringVar(&from.module, "module", "", "")
	flags.Uint64Var(&from.id, "id", 0, "")
	unsorted := flags.Bool("unsorted", false, "")
	operands, err := parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(operands) > 0 {
		return usagef("btf dump: unexpected argument %q; use --file PATH to name a file", operands[0])
	}
	if err := from.check("btf dump"); err != nil {
		return err
	}

	quiet()
	types, err := from.load()
	if err != nil {
		return err
	}
	defer types.Close()
	out := bufio.NewWriterSize(stdout, 1<<16)
	if err := types.DumpC(out, btf.DumpCOptions{Unsorted: *unsorted}); err != nil {
		return err
	}
	return out.Flush()
}
