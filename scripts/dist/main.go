// Command dist writes a release of libbpf-go as a module proxy: a folder that GOPROXY=file://... can name. The module
// in it carries the sources of libbpf, libelf and zlib, which the repository does not have, so that a build of it needs
// a C compiler, and no library of the system. It is the command behind "make dist".
//
// A release has what is committed at HEAD, whatever else the working tree has, and the sources that "make vendor" laid
// down. With the same commit, the same sources and the same Go, each run writes the same bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/module"
)

const help = `usage: dist [-version VERSION] [-o FOLDER] [-tag | -bare]

Writes what is committed at HEAD, with the vendored sources, as a module proxy.

  -version VERSION  such as v0.1.0 (default: HEAD's tag, or else a pseudo-version, as the go command makes them)
  -o FOLDER         where to write (default: dist); releases that are there stay
  -tag              also tag a commit that has what is committed at HEAD and the sources: the go command makes the same
                    module of it, without this proxy
  -bare             leave out the vendored sources: what the go command makes of the repository itself
`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("dist", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	version := flags.String("version", "", "")
	folder := flags.String("o", "dist", "")
	tag := flags.Bool("tag", false, "")
	bare := flags.Bool("bare", false, "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(out, help)
		return err
	case err != nil:
		return fmt.Errorf("%w; -help prints the usage", err)
	case *tag && (*bare || *version == ""):
		return errors.New("-tag needs a -version, and the sources")
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q; -help prints the usage", flags.Arg(0))
	}
	say := func(format string, args ...any) { fmt.Fprintf(out, "dist: "+format+"\n", args...) }
	to, err := filepath.Abs(*folder)
	if err != nil {
		return err
	}
	tree, err := findClone()
	if err != nil {
		return err
	}
	head, err := tree.head(*version)
	if err != nil {
		return err
	}
	// Whatever the user's umask is, the module must be readable to those who build from it.
	tmp, err := os.MkdirTemp("", "libbpf-go-dist.")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if changed, err := tree.changed(); err != nil {
		return err
	} else if changed {
		say("the working tree has changes: the release has only what is committed")
	}
	if err := tree.export(tmp); err != nil {
		return err
	}
	if !*bare {
		if err := addSources(tree.root, tmp); err != nil {
			return err
		}
	}
	proxy := proxy{to}
	sum, err := proxy.addFolder(head, tmp)
	if err != nil {
		return err
	}
	needed, err := proxy.addNeeded(tmp)
	if err != nil {
		return err
	}
	say("%s %s", head.path, head.version)
	say("its sum, as go.sum has it: %s", sum)
	for _, m := range needed {
		say("with it: %s", module.Version{Path: m.path, Version: m.version})
	}
	if *tag {
		commit, err := tree.tag(head, tmp)
		if err != nil {
			return err
		}
		say("%s is the tag of commit %s: push it with \"git push origin %s\"", head.version, commit, head.version)
	}
	say("use it with GOPROXY=file://%s,... and GONOSUMDB=%s", to, head.path)
	return nil
}
