package main

import (
	"bufio"
	"io"

	"github.com/libbpf-go/libbpf-go/btf"
)

const btfDumpHelp = `usage: bpfgo btf dump [--file PATH]

Writes type information (BTF) to standard output as a C header that BPF programs can include: the running
kernel's, which is the file known as vmlinux.h, or that of a file.

  --file PATH   an ELF file with type information, such as a compiled BPF object, or a file of raw type
                information such as those in /sys/kernel/btf
`

func runBTFDump(args []string, stdout, _ io.Writer) error {
	flags := newFlags("btf dump")
	file := flags.String("file", "", "")
	operands, err := parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(operands) > 0 {
		return usagef("btf dump: %q is one argument too many; a file is given as --file PATH", operands[0])
	}

	quiet()
	load := btf.LoadKernel
	if *file != "" {
		load = func() (*btf.BTF, error) { return btf.Parse(*file) }
	}
	types, err := load()
	if err != nil {
		return err
	}
	defer types.Close()
	out := bufio.NewWriterSize(stdout, 1<<16)
	if err := types.DumpC(out, btf.DumpCOptions{}); err != nil {
		return err
	}
	return out.Flush()
}
