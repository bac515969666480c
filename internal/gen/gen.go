// Package gen makes Go code from BPF programs in C, and from compiled ones: a skeleton, with a field for each map,
// program, link and global variable, and the Go types of these.
package gen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
)

// Config says what to make.
type Config struct {
	// Sources are C sources and compiled objects. They are linked into one object, in this order.
	Sources []string
	// Output is the folder of what is made.
	Output string
	// Stem begins the names of the files. By default it is the name of the first source, up to the first dot.
	Stem string
	// Name begins the Go names of the skeleton. By default it is made of the stem.
	Name string
	// Package is the Go package. By default it is that of the folder.
	Package string
	// Targets is a list with commas of what to compile for. By default it is this machine's order of bytes.
	Targets string
	// Tags is a build constraint for the Go files, beyond that of the target.
	Tags string
	// Test makes a file for tests.
	Test bool
	// External leaves the object out of the Go file: whoever opens the skeleton passes it on.
	External bool

	// Types are the names of types that are made although nothing in the object uses them.
	Types []string
	// Constants are the names of macros whose values become constants.
	Constants []string
	// Records are the types of the records of buffers, by the names of the maps.
	Records map[string]string
	// Prefix begins the Go names of types.
	Prefix string
	// Renames are Go names by C names.
	Renames map[string]string
	// RawEnums leaves the names of enumerators as they are in C.
	RawEnums bool

	// Clang is the command of the compiler. By default it is $CLANG, or clang.
	Clang string
	// CFlags are further flags of the compiler.
	CFlags []string
	// Headers is the folder with libbpf's headers. By default these are the machine's.
	Headers string
	// VMLinux is a vmlinux.h, or a file with a kernel's BTF, for sources that include vmlinux.h and have none. By default
	// it is made of the running kernel's BTF.
	VMLinux string

	// Depends is a file to write, with a rule for make.
	Depends string
	// Strict makes warnings errors.
	Strict bool
	// Check compares what would be made with what is there, and writes nothing.
	Check bool
	// Stderr gets the compiler's messages and warnings.
	Stderr io.Writer
}

// product is what is made for one target.
type product struct {
	target    target
	object    *object
	constants []constant
	depends   []string
}

// Run makes the files.
func Run(c Config) error {
	targets, err := c.prepare()
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "bpfgo-gen-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)

	var files fileSet
	var depends []string
	warnings := 0
	for i, t := range targets {
		folder := filepath.Join(scratch, fmt.Sprint(i))
		if err := os.Mkdir(folder, 0o777); err != nil {
			return err
		}
		used, warned, err := c.make(&files, t, len(targets) > 1, folder)
		if err != nil {
			return err
		}
		depends = appendNew(depends, used...)
		warnings += warned
	}
	switch {
	case c.Strict && warnings > 0:
		return fmt.Errorf("%d warnings, which --strict makes errors", warnings)
	case c.Check:
		return files.check()
	}
	if c.Depends != "" {
		files.add(c.Depends, dependsRule(files.names(), depends), false)
	}
	return files.write()
}

// prepare fills in the defaults.
func (c *Config) prepare() ([]target, error) {
	if len(c.Sources) == 0 {
		return nil, errors.New("no source was given")
	}
	inC := false
	c.Sources = slices.Clone(c.Sources)
	for i, source := range c.Sources {
		switch filepath.Ext(source) {
		case ".c":
			inC = true
		case ".o":
		default:
			return nil, fmt.Errorf("%s is neither a C source, which ends in .c, nor an object, which ends in .o", source)
		}
		if info, err := os.Stat(source); err != nil {
			return nil, err
		} else if info.IsDir() {
			return nil, fmt.Errorf("%s is a folder", source)
		}
		if at, err := filepath.Abs(source); err == nil {
			if relative, err := filepath.Rel(workingFolder(), at); err == nil {
				c.Sources[i] = relative
			}
		}
	}
	if c.Output == "" {
		c.Output = "."
	}
	if c.Stem == "" {
		c.Stem, _, _ = strings.Cut(filepath.Base(c.Sources[0]), ".")
	}
	if c.Name == "" {
		c.Name = goName(c.Stem)
	}
	if !token.IsIdentifier(c.Name) {
		return nil, fmt.Errorf("%q is not a Go name: give one with --name", c.Name)
	}
	if c.Prefix != "" && !token.IsIdentifier(c.Prefix) {
		return nil, fmt.Errorf("%q can't begin Go names: give another --prefix", c.Prefix)
	}
	for name, renamed := range c.Renames {
		if !token.IsIdentifier(renamed) {
			return nil, fmt.Errorf("%q, for %s, is not a Go name: give another one with --rename", renamed, name)
		}
	}
	if c.Package == "" {
		c.Package = packageOf(c.Output)
	}
	if !token.IsIdentifier(c.Package) {
		return nil, fmt.Errorf("%q is not the name of a Go package: give one with --package", c.Package)
	}
	if inC {
		c.warnOfSources()
		return parseTargets(c.Targets)
	}
	if c.Targets != "" {
		return nil, errors.New("--target is for C sources: an object is for the order of bytes that it has")
	}
	order, err := orderOf(c.Sources[0])
	if err != nil {
		return nil, err
	}
	return []target{anyOf(order)}, nil
}

func workingFolder() string {
	at, err := os.Getwd()
	if err != nil {
		return "."
	}
	return at
}

// orderOf is an object's order of bytes.
func orderOf(path string) (binary.ByteOrder, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := readELF(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file.Order, nil
}

// warnOfSources tells of C sources that the go command takes for its own.
func (c *Config) warnOfSources() {
	for _, source := range c.Sources {
		text, err := os.ReadFile(source)
		if err != nil || filepath.Ext(source) != ".c" || !sameFolder(filepath.Dir(source), c.Output) {
			continue
		}
		if !bytes.Contains(text, []byte("//go:build ")) {
			fmt.Fprintf(c.Stderr, "%s: warning: \"go build\" takes it for a file of the Go package: "+
				"begin it with the line \"//go:build ignore\" and an empty line\n", source)
		}
	}
}

func sameFolder(a, b string) bool {
	is, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(is, other)
}

// make makes the files of one target, in a folder for what is in between. It returns the files that these depend on, and
// how many warnings there were.
func (c *Config) make(files *fileSet, t target, several bool, scratch string) (depends []string, warnings int, err error) {
	p, err := c.build(t, scratch)
	if err != nil {
		return nil, 0, err
	}
	defer p.object.close()
	stem := c.Stem
	if several {
		stem += "_" + t.name
	}
	e := &emitter{Config: c, product: p, objectFile: stem + "_bpf.o"}
	code, err := e.emit()
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", c.Sources[0], err)
	}
	for _, text := range e.warnings() {
		fmt.Fprintf(c.Stderr, "%s: warning: %s\n", c.Sources[0], text)
	}
	goFile := stem + "_bpf.go"
	if c.Test {
		goFile = stem + "_bpf_test.go"
	}
	files.add(filepath.Join(c.Output, goFile), code, true)
	files.add(filepath.Join(c.Output, e.objectFile), p.object.elf, false)
	return p.depends, len(e.warnings()), nil
}

// build makes the object of one target.
func (c *Config) build(t target, scratch string) (*product, error) {
	compiler := &compiler{Config: c, target: t, base: filepath.Dir(c.Sources[0]), scratch: scratch, libbpf: c.Headers}
	var objects []string
	for _, source := range c.Sources {
		object := source
		if filepath.Ext(source) == ".c" {
			if compiler.command == nil {
				var err error
				if compiler.command, err = findClang(c.Clang); err != nil {
					return nil, err
				}
			}
			var err error
			if object, err = compiler.compile(source); err != nil {
				return nil, err
			}
		} else {
			compiler.depends = appendNew(compiler.depends, source)
		}
		objects = append(objects, object)
	}
	p := &product{target: t}
	elf, err := link(objects, c.Sources)
	if err != nil && len(objects) == 1 {
		elf, err = c.unlinked(objects[0], err)
	}
	if err != nil {
		return nil, err
	}
	if p.object, err = readObject(elf, nil); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Sources[0], err)
	}
	if err := compiler.addTypes(p); err != nil {
		p.object.close()
		return nil, err
	}
	p.depends = compiler.depends
	return p, nil
}

// unlinked is an object that libbpf's linker refuses, and libbpf may load.
func (c *Config) unlinked(path string, why error) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if file, err := readELF(data); err != nil || file.Section(".BTF") == nil {
		return nil, why
	}
	fmt.Fprintf(c.Stderr, "%s: warning: the object is as the compiler made it: %v\n", c.Sources[0], why)
	return data, nil
}

// link joins objects. names are those of the sources, for errors.
func link(objects, names []string) ([]byte, error) {
	var linked bytes.Buffer
	linker, err := libbpf.NewLinkerTo(&linked)
	if err != nil {
		return nil, err
	}
	defer linker.Close()
	for i, path := range objects {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, err := readELF(data)
		if err == nil && file.Section(".BTF") == nil {
			err = errors.New("it has no BTF: compile it with -g, and do not strip it")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", names[i], err)
		}
		if err := linker.AddMemory(names[i], data); err != nil {
			return nil, err
		}
	}
	if err := linker.Link(); err != nil {
		return nil, err
	}
	return linked.Bytes(), nil
}

// addTypes looks for the types and constants that the user wants, and makes an object with those that the object lacks.
func (c *compiler) addTypes(p *product) error {
	wanted, macros := make(map[string]bool), make(map[string]bool)
	for _, name := range c.Types {
		wanted[name] = true
	}
	for _, name := range c.Records {
		wanted[name] = true
	}
	for _, name := range c.Constants {
		macros[name] = true
	}
	for name := range wanted {
		if _, err := findType(p.object.types, name); err == nil {
			delete(wanted, name)
		} else if !errors.Is(err, btf.ErrNotFound) {
			return err
		}
	}
	if len(wanted)+len(macros) == 0 {
		return nil
	}
	var objects []string
	for _, source := range c.Sources {
		object := source
		if filepath.Ext(source) == ".c" {
			anchored, err := c.anchor(source, wanted, macros)
			if err != nil {
				return err
			}
			if anchored == "" {
				continue
			}
			object = anchored
		}
		objects = append(objects, object)
	}
	for _, name := range append(sortedKeys(wanted), sortedKeys(macros)...) {
		return fmt.Errorf("%s: there is no %q", c.Sources[0], name)
	}
	return p.extend(objects)
}
