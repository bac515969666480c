package main

import (
	"bufio"
	"fmt"
	"io"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/wholefile"
)

const btfMinHelp = `usage: bpfgo btf min -o OUT [--file PATH] OBJ...

Writes the minimal types of the running kernel for these objects: only what their CO-RE relocations need, some
kilobytes. A program that brings them can load the objects on kernels that have no types in /sys/kernel/btf
(ObjectBuilder.BTFCustom). It does what "bpftool gen min_core_btf" does. Example:

  bpfgo btf min -o 4.19.btf --file 4.19.0-27-amd64.btf app.bpf.o

  -o OUT        the file to write, as raw BTF. After an error it is as it was before.
  --file PATH   take the types of this file instead of the running kernel's: raw BTF, or an ELF file with BTF
`

const btfRelocationsHelp = `usage: bpfgo btf relocations [--file PATH] OBJ

Shows the CO-RE relocations of an object, and what they become on the running kernel: function and instruction, kind,
type or member, the value for the object's own types, and the value for the kernel's. Example:

  on_exec insn 4: byte_off struct task_struct.pid: 1264 -> 1472

  --file PATH   take the types of this file instead of the running kernel's: raw BTF, or an ELF file with BTF
`

func runBTFMin(args []string, _, _ io.Writer) error {
	flags := newFlags("btf min")
	file := flags.String("file", "", "")
	out, objects, err := parseObjects(flags, args)
	if err != nil {
		return err
	}

	quiet()
	kernel, err := source{file: *file}.load()
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

func runBTFRelocations(args []string, stdout, _ io.Writer) error {
	flags := newFlags("btf relocations")
	file := flags.String("file", "", "")
	operands, err := parseFlags(flags, args)
	switch {
	case err != nil:
		return err
	case len(operands) != 1:
		return usagef("btf relocations: give one object")
	}

	quiet()
	relocations, err := btf.RelocationsInFile(operands[0])
	if err != nil {
		return err
	}
	defer relocations.Close()
	kernel, err := source{file: *file}.load()
	if err != nil {
		return err
	}
	defer kernel.Close()
	resolved, err := relocations.Resolve(kernel)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(stdout)
	for _, r := range resolved {
		becomes := fmt.Sprintf("%d -> %d", r.Old, r.New)
		switch {
		case r.Err != nil:
			becomes = "error: " + oneLine(r.Err.Error())
		case r.Poisoned:
			becomes = "not there"
		}
		fmt.Fprintf(out, "%s: %s\n", r.Relocation, becomes)
	}
	return out.Flush()
}
