package gotypes_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"sync"
	"testing"
)

// machines are those whose sizes and alignments differ.
var machines = []string{"amd64", "386"}

// loadCtypes reads package ctypes, which generated code imports.
var loadCtypes = sync.OnceValues(func() (*types.Package, error) {
	set := token.NewFileSet()
	paths, err := filepath.Glob("../../ctypes/*.go")
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, path := range paths {
		if match, _ := filepath.Match("*_test.go", filepath.Base(path)); match {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	// What it imports does not matter to what it exports.
	config := types.Config{
		Importer: importer(func(path string) (*types.Package, error) {
			p := types.NewPackage(path, filepath.Base(path))
			p.MarkComplete()
			return p, nil
		}),
		IgnoreFuncBodies: true,
		Error:            func(error) {},
	}
	p, _ := config.Check("ctypes", set, files, nil)
	return p, nil
})

type importer func(path string) (*types.Package, error)

func (i importer) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	return i(path)
}

// typeCheck does what the compiler does before it makes code, so it also evaluates the assertions.
func typeCheck(code []byte, machine string) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "generated.go", code, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ctypes, err := loadCtypes()
	if err != nil {
		return err
	}
	config := types.Config{
		Sizes: types.SizesFor("gc", machine),
		Importer: importer(func(path string) (*types.Package, error) {
			if path == "github.com/libbpf-go/libbpf-go/ctypes" {
				return ctypes, nil
			}
			return nil, fmt.Errorf("it imports %s", path)
		}),
	}
	if _, err := config.Check("generated", set, []*ast.File{file}, nil); err != nil {
		return fmt.Errorf("on %s: %w", machine, err)
	}
	return nil
}

func checkTypes(t *testing.T, code []byte) {
	t.Helper()
	for _, machine := range machines {
		if err := typeCheck(code, machine); err != nil {
			t.Error(err)
		}
	}
}
