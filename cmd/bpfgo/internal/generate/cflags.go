package generate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/internal/wholefile"
)

// CFlagsCommand is "bpfgo cflags".
func CFlagsCommand(env *cli.Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "cflags",
		Short: "print the C compiler flags of libbpf",
		Long: `Writes the C compiler flags for the headers of the libbpf that libbpf-go links. The current folder's module selects
the libbpf-go. The output is an empty line if libbpf-go links the system's libbpf. The flags also work for BPF
programs.

With --output it writes a Go file instead, for the cgo package in the file's folder. It has a "#cgo CFLAGS:" line, and
makes the linker refuse another libbpf.

Run it again after "make vendor" or "make unvendor" in libbpf-go. With the build tag libbpf_system, set it in GOFLAGS.`,
		Example: `  # compile a BPF program
  clang -g -O2 -target bpf $(bpfgo cflags) -c exec.bpf.c

  # in a Go file of a cgo package
  //go:generate go tool bpfgo cflags --output libbpf_flags.go`,
		Args: cli.Operands(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			if output != "" {
				return writeCFlags(output)
			}
			return printCFlags(env)
		},
	}
	cmd.Flags().StringVar(&output, "output", "", "the Go `FILE` to write")
	return cmd
}

// LDFlagsCommand is "bpfgo ldflags".
func LDFlagsCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "ldflags",
		Short: "print the linker flags of libbpf",
		Long: `Writes the linker flags of libbpf for a "#cgo LDFLAGS:" line. C code in a cgo package does not need them, because
libbpf-go links libbpf. A C library that calls libbpf needs them after it. They stand for the system's libbpf and what
that needs, and for nothing if libbpf is compiled with libbpf-go.`,
		Example: "  // #cgo LDFLAGS: ${SRCDIR}/libmine.a -lbpf_go",
		Args:    cli.Operands(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(env.Stdout, ldflags)
			return err
		},
	}
}

// ldflags are the linker flags of package clib.
const ldflags = "-lbpf_go"

func printCFlags(env *cli.Env) error {
	packages, err := listPackages(".", clibPath)
	if err != nil {
		return err
	}
	lib, err := linkedLibrary(packages[0])
	if err != nil {
		return err
	}
	text := ""
	if lib.vendored() {
		text = quoteFlag("-I"+lib.headers, "'")
	}
	_, err = fmt.Fprintln(env.Stdout, text)
	return err
}

// Packages of libbpf-go: the one that programs use, and the one that compiles or links libbpf.
const (
	libraryPath = "github.com/libbpf-go/libbpf-go"
	clibPath    = libraryPath + "/libbpf"
)

// listed is what listPackages finds out about a package.
type listed struct {
	Dir, Name string
	system    bool // its C code is for the system's libbpf, because of the build tag libbpf_system
}

const listFormat = `{{.Name}} {{range .CgoCFLAGS}}{{if eq . "-DLIBBPF_GO_SYSTEM"}}system{{end}}{{end}} {{.Dir}}`

// listPackages runs "go list" for packages, in the module of a folder.
func listPackages(folder string, paths ...string) ([]listed, error) {
	cmd := exec.Command("go", append([]string{"list", "-find", "-f=" + listFormat}, paths...)...)
	cmd.Dir = folder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case err != nil && stderr.Len() > 0:
		return nil, fmt.Errorf("cflags: go list: %s", bytes.TrimSpace(stderr.Bytes()))
	case err != nil:
		return nil, fmt.Errorf("cflags: go list: %w", err)
	}
	var packages []listed
	for line := range strings.Lines(string(out)) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		system, dir, _ := strings.Cut(rest, " ")
		packages = append(packages, listed{dir, name, system != ""})
	}
	if len(packages) != len(paths) {
		return nil, fmt.Errorf("cflags: go list: %d packages instead of %d: %s", len(packages), len(paths), out)
	}
	return packages, nil
}

// library is the libbpf that libbpf-go links.
type library struct {
	headers string // the folder for -I; empty for the system's libbpf
	version string
	symbol  string // a symbol that only this libbpf defines: see libbpf/vendor.h
}

func (l library) vendored() bool { return l.headers != "" }

func (l library) String() string {
	if l.vendored() {
		return "libbpf " + l.version + ", vendored in libbpf-go"
	}
	return "the system's libbpf"
}

// defined returns what a marker defines a name as, or "".
func defined(marker []byte, name string) string {
	for line := range strings.Lines(string(marker)) {
		if value, found := strings.CutPrefix(line, "#define "+name+" "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// linkedLibrary tells which libbpf package clib links, by the rules of libbpf/vendor.h.
func linkedLibrary(clib listed) (library, error) {
	if clib.system {
		return library{symbol: "libbpf_go_system"}, nil
	}
	upstream := filepath.Join(clib.Dir, "upstream")
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(upstream, name))
		return err == nil
	}
	marker, err := os.ReadFile(filepath.Join(clib.Dir, "libbpf_vendored.h"))
	sources := exists("libbpf/src/libbpf.c")
	if errors.Is(err, fs.ErrNotExist) && !sources {
		return library{symbol: "libbpf_go_system"}, nil
	}
	version := strings.Trim(defined(marker, "LIBBPF_GO_VENDORED"), `"`)
	symbol := defined(marker, "LIBBPF_GO_BUILD")
	if version != "" && symbol != "" && sources && !exists("interrupted.h") {
		return library{filepath.Join(upstream, "api"), version, symbol}, nil
	}
	return library{}, fmt.Errorf("cflags: the vendored libbpf in %s is incomplete: run 'make vendor' again in libbpf-go",
		clib.Dir)
}

const cflagsFile = `// Code generated by "bpfgo cflags"; DO NOT EDIT.

package %s

/*
%s// This package is compiled for %s. With another libbpf it does not link: generate this file again.
extern const char %s[];
static const char *const libbpf_go_build __attribute__((used)) = %[4]s;
*/
import "C"

import _ "%s" // links libbpf
`

// writeCFlags writes the flags as a file of a cgo package.
func writeCFlags(file string) error {
	packages, err := listPackages(filepath.Dir(file), clibPath, ".")
	if err != nil {
		return err
	}
	lib, err := linkedLibrary(packages[0])
	if err != nil {
		return err
	}
	line := ""
	if lib.vendored() {
		flag, err := includeFlag(lib.headers, packages[1].Dir)
		if err != nil {
			return err
		}
		line = "#cgo CFLAGS: " + quoteFlag(flag, `"`) + "\n\n"
	}
	text := fmt.Sprintf(cflagsFile, packages[1].Name, line, lib, lib.symbol, libraryPath)
	return wholefile.Write(file, []byte(text))
}

// includeFlag is the flag for the headers. It is relative to the package, so that the file is the same on all machines
// where both have the same relative position. In Go's module cache, whose folders have a version in their names, it is
// absolute.
func includeFlag(headers, dir string) (string, error) {
	if strings.Contains(headers, "@") {
		return "-I" + headers, nil
	}
	// The compiler resolves symbolic links before "..".
	for _, path := range []*string{&headers, &dir} {
		real, err := filepath.EvalSymlinks(*path)
		if err != nil {
			return "", fmt.Errorf("cflags: %w", err)
		}
		*path = real
	}
	relative, err := filepath.Rel(dir, headers)
	if err != nil {
		return "", fmt.Errorf("cflags: %w", err)
	}
	return "-I${SRCDIR}/" + filepath.ToSlash(relative), nil
}

func quoteFlag(flag, quote string) string {
	if strings.Contains(flag, " ") {
		return quote + flag + quote
	}
	return flag
}
