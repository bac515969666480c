// Command bpfgo-vendor lays down the sources of libbpf, libelf and zlib that libbpf-go compiles. Then a build of
// libbpf-go needs a C compiler, and no library of the system. It is the command behind "make vendor", and it does not
// need cgo:
//
//	go run -mod=readonly github.com/libbpf-go/libbpf-go/cmd/bpfgo-vendor
//
// (With -mod=readonly, this also works in a module that has a vendor folder.) The current folder's module selects the
// libbpf-go. If that is in Go's module cache, which is read-only, the command copies it to a folder of the module, and
// adds a replace directive to go.mod. Outside of a module, but in a workspace, it does so beside go.work.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

const help = `usage: bpfgo-vendor [-libbpf VERSION] [-from PATH]... [-archive URL] [-copy FOLDER] [-remove]

Lays down the pinned sources of libbpf, libelf and zlib in the libbpf-go that the current folder's module uses. It does
nothing if they are there. They come from the Debian archive that apt is configured for, and are checked by their
sha256. If libbpf-go is in Go's module cache, it is copied into the current module first, with a replace directive.

  -libbpf VERSION  the pinned version of libbpf (default: the one that is there; else the first, or the next if the
                   archive no longer has the first)
  -from PATH       a source tarball, or a folder with tarballs, to use before the archive; may be repeated
  -archive URL     the Debian archive to use instead of apt's: an address that ends with "debian/"
  -copy FOLDER     where to copy a libbpf-go from the module cache (default: libbpf-go beside go.mod)
  -remove          remove the sources: builds then link the system's libbpf. The build tag libbpf_system makes them do
                   that without removing anything
`

// request is what the user asks for.
type request struct {
	libbpf  string   // the version of libbpf; empty: any that is pinned
	from    []string // files and folders
	archive string
	copy    string
	remove  bool
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bpfgo-vendor:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	var r request
	flags := flag.NewFlagSet("bpfgo-vendor", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&r.libbpf, "libbpf", "", "")
	flags.Func("from", "", func(path string) error { r.from = append(r.from, path); return nil })
	flags.StringVar(&r.archive, "archive", "", "")
	flags.StringVar(&r.copy, "copy", "", "")
	flags.BoolVar(&r.remove, "remove", false, "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(out, help)
		return err
	case err != nil:
		return fmt.Errorf("%w; -help prints the usage", err)
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q; -help prints the usage", flags.Arg(0))
	}
	module, err := findModule()
	if err != nil {
		return err
	}
	say := func(format string, args ...any) { fmt.Fprintf(out, "vendor: "+format+"\n", args...) }
	if module.cached {
		has, err := module.tree.version()
		vendored := err == nil
		switch {
		case r.remove:
			return errors.New("nothing can be removed from Go's module cache: build with the tag libbpf_system to link the " +
				"system's libbpf")
		case vendored && (r.libbpf == "" || r.libbpf == has[0].version):
			say("%s are in %s already", versions(has), module.tree.root)
			return nil
		}
		if err := module.copyTo(r.copy, say); err != nil {
			return err
		}
	}
	if err := module.tree.vendor(r, say); err != nil {
		return err
	}
	return module.tellVendorFolder(say)
}

// versions lists sources: "libbpf 1.7.0, libelf 0.188, zlib 1.2.13".
func versions(pins []pin) string {
	names := make([]string, len(pins))
	for i, p := range pins {
		names[i] = p.String()
	}
	return strings.Join(names, ", ")
}
