package main

import (
	"bufio"
	"io"

	"github.com/libbpf-go/libbpf-go/btf"
)

const btfDumpHelp = `usage: bpfgo btf dump [--file PATH]

Writes the running kernel's types (BTF) to standard output as a C header. BPF programs include it as vmlinux.h.

  --file PATH   write the types of this file instead: an ELF file with BTF, such as a compiled BPF object, or
                a file of raw BTF, such as those in /sys/kernel/btf
`

func runBTFDump(args []string, stdout, _ io.Writer) error {
	flags := newFlags("btf dump")
	file := flags.String("file", "", "")
	operands, err := parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(operands) > 0 {
		return usagef("btf dump: unexpected argument %q; use --file PATH to name a file", operands[0])
	}

	quiet()
	types, err := loadTypes(*file)
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
