package main

import (
	"flag"
	"io"

	"github.com/libbpf-go/libbpf-go"
)

const linkHelp = `usage: bpfgo link -o OUT OBJ...

Links compiled BPF objects into one object. Functions, variables and maps that are extern in one object may be defined
in another one. Types that several objects have become one, and debug information other than BTF is left out. The same
objects in the same order give the same bytes. Example:

  bpfgo link -o app.bpf.o trace.bpf.o filter.bpf.o

  -o OUT        the file to write. After an error it is as it was before.
`

func runLink(args []string, _, _ io.Writer) error {
	out, objects, err := parseObjects(newFlags("link"), args)
	if err != nil {
		return err
	}

	quiet()
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

// parseObjects is parseFlags for a command that makes one file from objects.
func parseObjects(flags *flag.FlagSet, args []string) (out string, objects []string, err error) {
	flags.StringVar(&out, "o", "", "")
	objects, err = parseFlags(flags, args)
	switch {
	case err != nil:
		return "", nil, err
	case out == "":
		return "", nil, usagef("%s: give -o OUT, the file to write", flags.Name())
	case len(objects) == 0:
		return "", nil, usagef("%s: give the objects to read", flags.Name())
	}
	return out, objects, nil
}
