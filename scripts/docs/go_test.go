package docs_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// Blocks that do not name their imports may use these packages.
var imports = []string{
	"bytes", "context", "encoding/binary", "encoding/json", "errors", "fmt", "io", "log", "log/slog", "maps", "net", "net/netip", "os",
	"os/signal", "runtime", "slices", "strings", "sync", "sync/atomic", "syscall", "time", "unsafe",
	"golang.org/x/sys/unix",
	ours, ours + "/btf", ours + "/btf/decode", ours + "/ctypes", ours + "/skeleton", ours + "/typed",
}

const ours = "github.com/libbpf-go/libbpf-go"

// What a block may use without declaring it.
const common = `
var (
	ctx   context.Context
	err   error
	open  *libbpf.OpenObject
	obj   *libbpf.Object
	m     *libbpf.Map
	prog  *libbpf.Program
	link  *libbpf.Link
	key   []byte
	value []byte
)
`

// newImporter imports packages that a module's code can import, compiled. Those of others may need libbpf's headers; what
// a compiler leaves behind then is in the folder temporary.
func newImporter(module, headers, temporary string, packages ...string) (types.Importer, error) {
	cmd := exec.Command("go", append([]string{"list", "-buildvcs=false", "-mod=readonly", "-export", "-deps", "-f",
		"{{if .Export}}{{.ImportPath}}\t{{.Export}}{{end}}"}, packages...)...)
	cmd.Dir = filepath.Join(root, module)
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off")
	if headers != "" {
		cmd.Env = append(cmd.Env, "TMPDIR="+temporary, "CGO_CFLAGS=-O2 -g -I"+headers)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	exports := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[name] = file
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		file, ok := exports[path]
		if !ok {
			return nil, fmt.Errorf("no package %s for code on pages: see imports in scripts/docs", path)
		}
		return os.Open(file)
	}), nil
}

var ourPackages = sync.OnceValues(func() (types.Importer, error) { return newImporter(".", "", "", imports...) })

// scope type-checks the Go blocks of a page, one after the other. A block sees what those before declare, unless it
// declares that again.
type scope struct {
	fset  *token.FileSet
	from  types.Importer
	known []declared
}

// declared is a file with one declaration of a block, or with generated code.
type declared struct {
	file  *ast.File
	names []string
}

// newScope returns the scope of a page that has no blocks yet. Its importer reads each package once for all pages.
func newScope(from types.Importer) (*scope, error) {
	s := &scope{fset: token.NewFileSet(), from: from}
	return s, s.check(block{page: "common", line: 1, text: common})
}

// generated adds a file of generated code.
func (s *scope) generated(path string) error {
	file, err := parser.ParseFile(s.fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	s.known = append(s.known, declared{file: file})
	return nil
}

// check reports all errors in a block.
func (s *scope) check(b block) error {
	file, err := s.parse(b)
	if err != nil {
		return err
	}
	whole := strings.HasPrefix(strings.TrimSpace(withoutComments(b.text)), "package ")
	here := names(file.Decls)
	files := []*ast.File{file}
	for _, other := range s.known {
		if !overlap(other.names, here) {
			named := *other.file
			named.Name = file.Name
			files = append(files, &named)
		}
	}
	var all []error
	config := types.Config{
		GoVersion: "go1.25",
		Importer:  s.from,
		Sizes:     types.SizesFor("gc", runtime.GOARCH),
		Error: func(err error) {
			var e types.Error
			if !errors.As(err, &e) || s.fset.Position(e.Pos).Filename != b.page {
				return
			}
			// A piece of code may leave things unused.
			if whole || !e.Soft {
				all = append(all, err)
			}
		},
	}
	// Its result is the first of the errors.
	_, _ = config.Check("page", s.fset, files, nil)
	var importing []ast.Decl
	for _, decl := range file.Decls {
		if general, ok := decl.(*ast.GenDecl); ok && general.Tok == token.IMPORT {
			importing = append(importing, decl)
		}
	}
	for _, decl := range file.Decls[len(importing):] {
		if names := names([]ast.Decl{decl}); len(names) != 0 {
			known := *file
			known.Decls = append(importing[:len(importing):len(importing)], decl)
			s.known = append(s.known, declared{&known, names})
		}
	}
	return errors.Join(all...)
}

// parse takes a whole file, declarations or statements.
func (s *scope) parse(b block) (*ast.File, error) {
	place := fmt.Sprintf("\n//line %s:%d\n", b.page, b.line)
	if strings.HasPrefix(strings.TrimSpace(withoutComments(b.text)), "package ") {
		return parser.ParseFile(s.fset, "snippet", place[1:]+b.text, parser.SkipObjectResolution)
	}
	before, after := place, ""
	file, err := parser.ParseFile(s.fset, "snippet", "package page"+before+b.text, 0)
	if err != nil {
		before, after = "\nfunc _() error {"+place, "\nreturn nil\n}\n"
		statements, problem := parser.ParseFile(s.fset, "snippet", "package page"+before+b.text+after, 0)
		if problem != nil {
			return nil, errors.Join(err, problem)
		}
		file = statements
	}
	// The imports that it does not name itself.
	var header strings.Builder
	header.WriteString("package page\n")
	for _, pkg := range imports {
		for _, name := range file.Unresolved {
			if name.Name == packageName(pkg) {
				header.WriteString("import " + strconv.Quote(pkg) + "\n")
				break
			}
		}
	}
	return parser.ParseFile(s.fset, "snippet", header.String()+before+b.text+after, parser.SkipObjectResolution)
}

func packageName(pkg string) string {
	if pkg == ours {
		return "libbpf"
	}
	return path.Base(pkg)
}

func withoutComments(text string) string {
	var rest strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "//") {
			rest.WriteString(line)
		}
	}
	return rest.String()
}

// names are those that declarations declare. Methods go by their types.
func names(decls []ast.Decl) []string {
	var all []string
	for _, decl := range decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			name := decl.Name.Name
			if decl.Recv != nil {
				name = types.ExprString(decl.Recv.List[0].Type) + "." + name
			}
			if name != "_" {
				all = append(all, name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					all = append(all, spec.Name.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						all = append(all, name.Name)
					}
				}
			}
		}
	}
	return all
}

func overlap(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			// A type that is declared again takes its methods with it.
			if x == y || strings.HasPrefix(strings.TrimPrefix(x, "*"), y+".") {
				return true
			}
		}
	}
	return false
}
