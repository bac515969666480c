package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// checked is a package's code with its types. The types that cgo makes are not known.
type checked struct {
	files   *token.FileSet
	sources map[string][]byte // by their names in the folder
	parsed  map[string]*ast.File
	info    *types.Info
	pkg     *types.Package
	fakes   map[string]bool // what the type checker finds wrong because it does not know C's types

	exports map[string]string // the files with what imported packages export, by their paths
}

// check reads and checks a package, which must be without errors, as far as they can be seen without C's types.
func check(ctx context.Context, dir string) (*checked, error) {
	c := &checked{sources: make(map[string][]byte), exports: make(map[string]string)}
	names, err := c.list(ctx, dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if c.sources[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	failures := c.types()
	if len(failures) > 0 && !c.usesC() {
		return nil, errors.Join(failures...)
	}
	c.fakes = make(map[string]bool)
	for _, failure := range failures {
		c.fakes[messageOf(failure)] = true
	}
	return c, nil
}

// list asks the go command for the files of a package, and for what those import.
func (c *checked) list(ctx context.Context, dir string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-export", "-deps", "-json=ImportPath,Export,DepOnly,Standard,GoFiles,CgoFiles",
		"./"+dir, "os", "strconv", "syscall") // which choice.go.txt imports
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var names []string
	for decoder := json.NewDecoder(out); ; {
		var p struct {
			ImportPath, Export string
			DepOnly, Standard  bool
			GoFiles, CgoFiles  []string
		}
		if err := decoder.Decode(&p); err != nil {
			if err != io.EOF {
				return nil, err
			}
			break
		}
		if c.exports[p.ImportPath] = p.Export; !p.DepOnly && !p.Standard {
			names = append(p.GoFiles, p.CgoFiles...)
		}
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no Go code", dir)
	}
	return names, nil
}

// types parses and checks the sources.
func (c *checked) types() []error {
	c.files, c.parsed = token.NewFileSet(), make(map[string]*ast.File)
	var ordered []*ast.File // what is found first depends on it
	for _, name := range slices.Sorted(maps.Keys(c.sources)) {
		parsed, err := parser.ParseFile(c.files, name, c.sources[name], parser.SkipObjectResolution)
		if err != nil {
			return []error{err}
		}
		c.parsed[name], ordered = parsed, append(ordered, parsed)
	}
	c.info = &types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue), Implicits: make(map[ast.Node]types.Object),
		Defs: make(map[*ast.Ident]types.Object),
	}
	var failures []error
	config := types.Config{
		Importer: importer.ForCompiler(c.files, "gc", func(path string) (io.ReadCloser, error) {
			return os.Open(c.exports[path])
		}),
		FakeImportC: true,
		Error:       func(err error) { failures = append(failures, err) },
	}
	c.pkg, _ = config.Check("mutated", c.files, ordered, c.info)
	return failures
}

// with returns the package with other sources, and what is wrong with them that was not before.
func (c *checked) with(sources map[string][]byte) (*checked, []error) {
	other := &checked{sources: sources, exports: c.exports}
	return other, slices.DeleteFunc(other.types(), func(err error) bool { return c.fakes[messageOf(err)] })
}

func (c *checked) usesC() bool {
	for _, parsed := range c.parsed {
		for _, spec := range parsed.Imports {
			if spec.Path.Value == `"C"` {
				return true
			}
		}
	}
	return false
}

// messageOf is an error's text without a place.
func messageOf(err error) string {
	if typed, ok := err.(types.Error); ok {
		return typed.Msg
	}
	return err.Error()
}
