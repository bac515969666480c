package main

import (
	"bufio"
	"io"

	"github.com/libbpf-go/libbpf-go/btf"
)

const btfDumpHelp = `usage: bpfgo btf dump [--file PATH [--base PATH]] [--unsorted]

Writes the running kernel's types (BTF) to standard output as a C header. BPF programs include it as vmlinux.h.

  --file PATH   write the types of this file instead: an ELF file with BTF, such as a compiled BPF object, or
                a file of raw BTF, such as those in /sys/kernel/btf
  --base PATH   the file of the types to which those of --file refer: for a module, /sys/kernel/btf/vmlinux
  --unsorted    in the order of the file; otherwise by kind and name, as bpftool writes them
`

func runBTFDump(args []string, stdout, _ io.Writer) error {
	flags := newFlags("btf dump")
	file, base := flags.String("file", "", ""), flags.String("base", "", "")
	unsorted := flags.Bool("unsorted", false, "")
	operands, err := parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(operands) > 0 {
		return usagef("btf dump: unexpected argument %q; use --file PATH to name a file", operands[0])
	}

	if *base != "" && *file == "" {
		return usagef("btf dump: --base needs --file")
	}

	quiet()
	types, err := loadSplitTypes(*file, *base)
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

// loadSplitTypes is loadTypes for a file whose types refer to those of the file base, if there is one.
func loadSplitTypes(file, base string) (*btf.BTF, error) {
	if base == "" {
		return loadTypes(file)
	}
	types, err := btf.Parse(base)
	if err != nil {
		return nil, err
	}
	defer types.Close()
	return btf.ParseSplit(file, types)
}
