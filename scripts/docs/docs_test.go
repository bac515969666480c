// Package docs_test compiles the code on the pages of the documentation.
package docs_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/gen"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Each Go block of each page is right for the compiler.
func TestGo(t *testing.T) {
	packages, err := ourPackages()
	testutil.Check(t, err)
	pages, err := pages()
	testutil.Check(t, err)
	checked := 0
	for _, page := range pages {
		blocks, err := pageBlocks(page)
		testutil.Check(t, err)
		var s *scope
		for _, b := range blocks {
			if s == nil || b.kind == "new" || b.kind == "gen" {
				s, err = newScope(packages)
				testutil.Check(t, err)
			}
			switch {
			case b.kind == "gen":
				testutil.Check(t, generate(t, s, b))
			case b.lang != "go", b.kind == "skip":
			case b.kind == "peer":
				checkPeer(t, b)
			default:
				checked++
				if err := s.check(b); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if *onlyPage == "" && checked < 50 {
		t.Errorf("only %d Go blocks", checked)
	}
}

// Code on other libraries is compiled where these are at hand: nothing is downloaded for it.
func checkPeer(t *testing.T, b block) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "snippet", b.text, parser.ImportsOnly)
	testutil.Check(t, err)
	var imports []string
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		testutil.Check(t, err)
		imports = append(imports, path)
	}
	headers, err := filepath.Abs(filepath.Join(root, "libbpf/upstream/api"))
	testutil.Check(t, err)
	packages, err := newImporter("bench", headers, t.TempDir(), imports...)
	if err != nil {
		t.Logf("%s: not compiled: %v", b, err)
		return
	}
	s := &scope{fset: token.NewFileSet(), from: packages}
	if err := s.check(b); err != nil {
		t.Error(err)
	}
}

// generate adds to the scope what "bpfgo gen" makes of a block.
func generate(t *testing.T, s *scope, b block) error {
	folder := t.TempDir()
	source := filepath.Join(folder, b.argument)
	if err := os.WriteFile(source, []byte(b.text), 0o600); err != nil {
		return err
	}
	api, err := filepath.Abs(filepath.Join(root, "libbpf/upstream/api"))
	if err != nil {
		return err
	}
	types, err := filepath.Abs(filepath.Join(root, "bpf/generated/vmlinux.h"))
	if err != nil {
		return err
	}
	err = gen.Run(gen.Config{
		Sources: []string{source}, Output: folder, Package: "main", Headers: api, VMLinux: types, Strict: true, Stderr: t.Output(),
	})
	if err != nil {
		return err
	}
	made, err := filepath.Glob(filepath.Join(folder, "*.go"))
	for _, path := range made {
		if err := s.generated(path); err != nil {
			return err
		}
	}
	return err
}

// Each C block of each page compiles.
func TestC(t *testing.T) {
	c, err := bpfCompiler()
	testutil.Check(t, err)
	pages, err := pages()
	testutil.Check(t, err)
	var todo []block
	for _, page := range pages {
		blocks, err := pageBlocks(page)
		testutil.Check(t, err)
		for _, b := range blocks {
			if b.lang == "c" && b.kind != "skip" {
				todo = append(todo, b)
			}
		}
	}
	all(todo, func(b block) {
		if _, err := c.check(b, b.kind == "user"); err != nil {
			t.Error(err)
		}
	})
	if *onlyPage == "" && len(todo) < 60 {
		t.Errorf("only %d C blocks", len(todo))
	}
}
