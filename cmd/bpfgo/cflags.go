package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const cflagsHelp = `usage: bpfgo cflags [--output FILE]

Writes the flags with which C code finds the headers of the libbpf that a program with libbpf-go links: where they are
in the libbpf-go that the module of the current folder depends on, if libbpf is vendored there, or an empty line,
if it is the system's. They are for BPF programs, too: clang -target bpf $(bpfgo cflags) ...

  --output FILE   write a Go file for the cgo package of FILE's folder instead, with a "#cgo CFLAGS:" line and what
                  makes the linker refuse another libbpf. In that package:
                    //go:generate go tool bpfgo cflags --output libbpf_flags.go

Run it again after "make vendor" and "make unvendor" in libbpf-go.
`

const ldflagsHelp = `usage: bpfgo ldflags

Writes the flags of libbpf for a "#cgo LDFLAGS:" line. C code that is part of a cgo package needs none: libbpf-go links
libbpf. A C library that calls libbpf needs them behind it: "#cgo LDFLAGS: ${SRCDIR}/libmine.a -lbpf -lelf -lz". Where
libbpf is vendored, they add no second one.
`

// ldflags are those of package clib.
const ldflags = "-lbpf -lelf -lz"

func runLDFlags(args []string, stdout, _ io.Writer) error {
	if len(args) > 0 {
		return usagef("ldflags takes no arguments")
	}
	_, err := fmt.Fprintln(stdout, ldflags)
	return err
}

func runCFlags(args []string, stdout, _ io.Writer) error {
	flags := newFlags("cflags")
	output := flags.String("output", "", "")
	operands, err := parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(operands) > 0 {
		return usagef("cflags: %q is one argument too many; a file is given as --output FILE", operands[0])
	}
	if *output != "" {
		return writeCFlags(*output)
	}
	packages, err := list(".", clibPath)
	if err != nil {
		return err
	}
	lib, err := linkedLibrary(packages[0].Dir)
	if err != nil {
		return err
	}
	text := ""
	if lib.vendored() {
		text = quoteFlag("-I"+lib.headers, "'")
	}
	_, err = fmt.Fprintln(stdout, text)
	return err
}

// Packages of libbpf-go: what programs use, and what compiles or links libbpf.
const (
	libraryPath = "github.com/libbpf-go/libbpf-go"
	clibPath    = libraryPath + "/libbpf"
)

// listed is what "go list" tells of a package.
type listed struct{ Dir, Name string }

// list asks for packages as the module of a folder has them.
func list(folder string, paths ...string) ([]listed, error) {
	cmd := exec.Command("go", append([]string{"list", "-find", "-json=Dir,Name"}, paths...)...)
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
	packages := make([]listed, len(paths))
	decoder := json.NewDecoder(bytes.NewReader(out))
	for i := range packages {
		if err := decoder.Decode(&packages[i]); err != nil {
			return nil, fmt.Errorf("cflags: go list: %w", err)
		}
	}
	return packages, nil
}

// library is the libbpf that libbpf-go links.
type library struct {
	headers string // the folder for -I; empty where libbpf is the system's
	version string
	symbol  string // what is defined for this one only: see libbpf/vendor.h
}

func (l library) vendored() bool { return l.headers != "" }

func (l library) String() string {
	if l.vendored() {
		return "libbpf " + l.version + ", which libbpf-go has vendored"
	}
	return "the system's libbpf"
}

var (
	markerVersion = regexp.MustCompile(`(?m)^#define LIBBPF_GO_VENDORED "([0-9.]+)"$`)
	markerSymbol  = regexp.MustCompile(`(?m)^#define LIBBPF_GO_BUILD (libbpf_go_\w+)$`)
)

// linkedLibrary tells which one it is, as libbpf/vendor.h decides it, of the folder of package clib.
func linkedLibrary(clib string) (library, error) {
	upstream := filepath.Join(clib, "upstream")
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(upstream, name))
		return err == nil
	}
	marker, err := os.ReadFile(filepath.Join(clib, "libbpf_vendored.h"))
	sources := exists("src/libbpf.c")
	if errors.Is(err, fs.ErrNotExist) && !sources {
		return library{symbol: "libbpf_go_system"}, nil
	}
	version, symbol := markerVersion.FindSubmatch(marker), markerSymbol.FindSubmatch(marker)
	switch {
	case version != nil && symbol != nil && sources && !exists("interrupted.h"):
		return library{filepath.Join(upstream, "api"), string(version[1]), string(symbol[1])}, nil
	case version != nil && !sources && strings.Contains(filepath.ToSlash(clib), "/vendor/"+libraryPath):
		return library{}, fmt.Errorf("cflags: %s has no libbpf: 'go mod vendor' does not copy it. Copy the folder "+
			"libbpf/upstream of libbpf-go to %s", clib, upstream)
	}
	return library{}, fmt.Errorf("cflags: libbpf is vendored in part in %s: run 'make vendor' again in libbpf-go", clib)
}

// Its import of C does not begin a line here, where scripts/vendor.sh would take this package for one of cgo's.
const cflagsFile = `// Code generated by "bpfgo cflags"; DO NOT EDIT.

package %s

/*
%s// It is compiled for %s. Another one does not link: generate this file again.
extern const char %s[];
static const char *const libbpf_go_build __attribute__((used)) = %[4]s;
*/
` + `import "C"

import _ "%s" // links libbpf
`

// writeCFlags writes the flags as a file of a cgo package.
func writeCFlags(file string) error {
	packages, err := list(filepath.Dir(file), clibPath, ".")
	if err != nil {
		return err
	}
	lib, err := linkedLibrary(packages[0].Dir)
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
	return os.WriteFile(file, []byte(text), 0o666)
}

// includeFlag is relative to the package, so that the file is the same wherever both stand in the same way. A folder in
// Go's module cache, which has a version in its name, is in another place for everybody.
func includeFlag(headers, dir string) (string, error) {
	if strings.Contains(headers, "@") {
		return "-I" + headers, nil
	}
	// The compiler goes up from where a symbolic link points to.
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
