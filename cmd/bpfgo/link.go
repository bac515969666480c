package main

import (
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
	flags := newFlags("link")
	out := flags.String("o", "", "")
	objects, err := parseFlags(flags, args)
	switch {
	case err != nil:
		return err
	case *out == "":
		return usagef("link: give -o OUT, the file to write")
	case len(objects) == 0:
		return usagef("link: give the objects to link")
	}

	quiet()
	linker, err := libbpf.NewLinker(*out)
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
