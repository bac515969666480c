package libbpf_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// parityRow is a row of a table of PARITY.md.
type parityRow struct {
	at      string // file and line, for messages
	section string // the last "## " above it
	group   string // the last "### " above it
	cells   []string
}

func (r parityRow) name() string { return strings.Trim(r.cells[0], "`") }

// parityColumns are the cells that the rules are about, by the name that the summary has for them.
var parityColumns = []struct {
	name, section string
	column        int
}{
	{"libbpf", "libbpf", 2},
	{"libbpf-rs", "libbpf-rs", 1},
	{"map types", "Map types", 3},
	{"map types, typed", "Map types", 4},
}

// parityRows reads PARITY.md. The summary is in section "".
func parityRows(t *testing.T) []parityRow {
	t.Helper()
	text, err := os.ReadFile("PARITY.md")
	check(t, err)
	var rows []parityRow
	var section, group string
	var header []string
	for i, line := range strings.Split(string(text), "\n") {
		at := fmt.Sprintf("PARITY.md:%d", i+1)
		switch {
		case strings.HasPrefix(line, "## "):
			section, group = line[3:], ""
		case strings.HasPrefix(line, "### "):
			group = line[4:]
		case !strings.HasPrefix(line, "|"):
			header = nil
		default:
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			switch {
			case header == nil:
				header = cells
			case len(cells) != len(header):
				t.Fatalf("%s: %d cells under %d columns", at, len(cells), len(header))
			case strings.Trim(cells[0], "-:") != "" || cells[0] == "":
				rows = append(rows, parityRow{at, section, group, cells})
			}
		}
	}
	return rows
}

func paritySection(t *testing.T, rows []parityRow, section string) []parityRow {
	t.Helper()
	rows = slices.DeleteFunc(slices.Clone(rows), func(r parityRow) bool { return r.section != section })
	if len(rows) == 0 {
		t.Fatalf("PARITY.md has no table under %q", section)
	}
	return rows
}

var (
	paritySymbols = regexp.MustCompile("^`[^`]+`(, `[^`]+`)*$")
	parityReason  = regexp.MustCompile("^(planned|not needed): .")
	parityQuoted  = regexp.MustCompile("`([^`]+)`")
)

func TestParitySymbolsExist(t *testing.T) {
	rows := parityRows(t)
	symbols := newParityPackages(t)
	functions := make(map[string]bool)
	for _, row := range paritySection(t, rows, "libbpf") {
		functions[row.name()] = true
	}
	for _, c := range parityColumns {
		seen := make(map[string]bool)
		for _, row := range paritySection(t, rows, c.section) {
			cell := row.cells[c.column]
			reached := paritySymbols.MatchString(cell)
			if !reached && !parityReason.MatchString(cell) {
				t.Errorf("%s: %q is neither Go symbols nor begins with planned or not needed", row.at, cell)
			}
			for _, quoted := range parityQuoted.FindAllStringSubmatch(cell, -1) {
				if symbols.find(quoted[1]) == nil && (reached || !functions[quoted[1]]) {
					t.Errorf("%s: %s does not exist", row.at, quoted[1])
				}
			}
			if seen[row.name()] {
				t.Errorf("%s: %s is there twice", row.at, row.name())
			}
			seen[row.name()] = true
		}
	}
	// A look-up that finds everything would find no fault.
	for _, name := range []string{"", "OpenFil", "closedMap", "Map.core", "Map.Nothing", "MapCore.IsPinned", "btf.Map"} {
		if symbols.find(name) != nil {
			t.Errorf("the test takes %q for a symbol", name)
		}
	}
}

func TestParityCounts(t *testing.T) {
	rows := parityRows(t)
	summary := make(map[string]parityRow)
	for _, row := range paritySection(t, rows, "") {
		name, _, _ := strings.Cut(strings.TrimPrefix(row.cells[0], "["), "]")
		summary[name] = row
	}
	for _, c := range parityColumns {
		var reached, planned, notNeeded int
		for _, row := range paritySection(t, rows, c.section) {
			switch cell := row.cells[c.column]; {
			case strings.HasPrefix(cell, "planned: "):
				planned++
			case strings.HasPrefix(cell, "not needed: "):
				notNeeded++
			default:
				reached++
			}
		}
		row, ok := summary[c.name]
		if !ok {
			t.Errorf("the summary in PARITY.md has no %q", c.name)
			continue
		}
		want := fmt.Sprint(reached, planned, notNeeded, reached+planned+notNeeded)
		if got := strings.Join(row.cells[1:], " "); got != want {
			t.Errorf("%s: %s counts %s, and the table has %s", row.at, c.name, got, want)
		}
	}
	if len(summary) != len(parityColumns) {
		t.Errorf("the summary in PARITY.md has %d rows, want %d", len(summary), len(parityColumns))
	}
}

// A function has a Go symbol if, and only if, it is called.
func TestParityFunctionsAreCalled(t *testing.T) {
	called := parityCNames(t)
	for _, row := range paritySection(t, parityRows(t), "libbpf") {
		reached := paritySymbols.MatchString(row.cells[2])
		switch where := called[row.name()]; {
		case reached && where == "":
			t.Errorf("%s: %s has a Go symbol, and nothing calls it", row.at, row.name())
		case !reached && where != "":
			t.Errorf("%s: %s is %q, and %s calls it", row.at, row.name(), row.cells[2], where)
		}
	}
}

func TestParityMapTypes(t *testing.T) {
	symbols := newParityPackages(t)
	rows := paritySection(t, parityRows(t), "Map types")
	for i, row := range rows {
		if got := libbpf.MapType(i).String(); got != row.cells[0] {
			t.Errorf("%s: %s stands where map type %d is expected, which is %s", row.at, row.cells[0], i, got)
		}
		c, ok := symbols.find(strings.Trim(row.cells[3], "`")).(*types.Const)
		if !ok || c.Val().ExactString() != fmt.Sprint(i) {
			t.Errorf("%s: %s is not the constant %d", row.at, row.cells[3], i)
		}
	}
	if next := libbpf.MapType(len(rows)).String(); !strings.Contains(next, "(") {
		t.Errorf("PARITY.md does not have map type %s", next)
	}
}

// The first table has what libbpf's headers declare, header by header, in order. The headers' LIBBPF_API and the
// functions in libbpf.map are the same; where that file is at hand, it tells the versions.
func TestParityWithLibbpf(t *testing.T) {
	rows := paritySection(t, parityRows(t), "libbpf")
	if v := libbpf.Version().String(); v != "1.7.0 (vendored)" {
		testutil.Skip(t, "vendored-libbpf", fmt.Errorf("PARITY.md is about 1.7.0, and %s is linked", v))
	}
	const source = "libbpf/upstream/libbpf/src/"
	headers := []string{"libbpf.h", "bpf.h", "btf.h", "libbpf_legacy.h"}
	got := make(map[string][]string)
	since := make(map[string]string)
	for _, row := range rows {
		if !slices.Contains(headers, row.group) {
			t.Errorf("%s: %q is none of libbpf's headers", row.at, row.group)
		}
		got[row.group] = append(got[row.group], row.name())
		since[row.name()] = row.cells[1]
	}
	declared := regexp.MustCompile(`\bLIBBPF_API\b[^;{]*?(\w+)\s*\(`)
	directive := regexp.MustCompile(`(?m)^[ \t]*#.*$`)
	for _, header := range headers {
		text, err := os.ReadFile(source + header)
		check(t, err)
		want := make(map[string]bool)
		for _, m := range declared.FindAllStringSubmatch(directive.ReplaceAllString(parityStripC(string(text)), ""), -1) {
			want[m[1]] = true
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if !slices.Contains(got[header], name) {
				t.Errorf("PARITY.md does not have %s, which %s declares", name, header)
			}
		}
		for _, name := range got[header] {
			if !want[name] {
				t.Errorf("PARITY.md has %s, which %s does not declare", name, header)
			}
		}
		if !slices.IsSorted(got[header]) {
			t.Errorf("the functions of %s are not in order in PARITY.md", header)
		}
	}

	text, err := os.ReadFile(source + "libbpf.map")
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	check(t, err)
	exported := make(map[string]string)
	for _, version := range regexp.MustCompile(`(?s)LIBBPF_([0-9.]+) \{(.*?)\}`).FindAllStringSubmatch(string(text), -1) {
		for _, name := range regexp.MustCompile(`\b\w+;`).FindAllString(version[2], -1) {
			exported[strings.TrimSuffix(name, ";")] = strings.TrimSuffix(version[1], ".0")
		}
	}
	for name, version := range exported {
		if since[name] != version {
			t.Errorf("PARITY.md has %s since %q, libbpf.map since %s", name, since[name], version)
		}
	}
	for name := range since {
		if exported[name] == "" {
			t.Errorf("PARITY.md has %s, which libbpf.map does not export", name)
		}
	}
}

// parityPackages are this module's packages and the names in them: type-checked without what they import, C
// included.
type parityPackages struct {
	loaded map[string]*types.Package // by folder
	dirs   map[string]string         // by package name; "" is the root package
}

func newParityPackages(t *testing.T) *parityPackages {
	t.Helper()
	p := &parityPackages{loaded: make(map[string]*types.Package), dirs: make(map[string]string)}
	files, err := filepath.Glob("*/*.go")
	check(t, err)
	dirs := []string{"."}
	for _, file := range files {
		dirs = append(dirs, filepath.Dir(file))
	}
	for _, dir := range slices.Compact(dirs) {
		pkg, err := p.load(dir)
		check(t, err)
		switch {
		case dir == ".":
			p.dirs[""] = dir
		case pkg != nil && pkg.Name() != "main":
			p.dirs[pkg.Name()] = dir
		}
	}
	return p
}

func (p *parityPackages) load(dir string) (*types.Package, error) {
	if pkg := p.loaded[dir]; pkg != nil {
		return pkg, nil
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, nil
	}
	// What is missing gives errors in bodies and types of fields, and no names.
	config := types.Config{FakeImportC: true, IgnoreFuncBodies: true, Importer: p, Error: func(error) {}}
	pkg, _ := config.Check(path.Join(parityModule, dir), fset, files, nil)
	p.loaded[dir] = pkg
	return pkg, nil
}

const parityModule = "github.com/libbpf-go/libbpf-go"

// Import is for [types.Config].
func (p *parityPackages) Import(name string) (*types.Package, error) {
	if dir, ok := strings.CutPrefix(name, parityModule+"/"); ok {
		return p.load(dir)
	}
	pkg := types.NewPackage(name, path.Base(name))
	pkg.MarkComplete()
	return pkg, nil
}

// find is what a symbol stands for: "Name", "Type.Member", or one of them behind a package's name and a dot. It is nil
// where there is none that is exported.
func (p *parityPackages) find(symbol string) types.Object {
	parts := strings.Split(symbol, ".")
	dir := p.dirs[""]
	if other, ok := p.dirs[parts[0]]; ok && len(parts) > 1 {
		dir, parts = other, parts[1:]
	}
	obj := p.loaded[dir].Scope().Lookup(parts[0])
	if len(parts) > 1 {
		if _, ok := obj.(*types.TypeName); !ok || !obj.Exported() || len(parts) > 2 {
			return nil
		}
		obj, _, _ = types.LookupFieldOrMethod(obj.Type(), true, obj.Pkg(), parts[1])
	}
	if obj == nil || !obj.Exported() {
		return nil
	}
	return obj
}

// parityCNames are the names that this module's Go and C sources use of C, with a file that uses each. The tests' own C
// code is left out: it does what users in C do.
func parityCNames(t *testing.T) map[string]string {
	t.Helper()
	names := make(map[string]string)
	identifier := regexp.MustCompile(`\b[A-Za-z_]\w*`)
	addC := func(file, text string) {
		for _, name := range identifier.FindAllString(parityStripC(text), -1) {
			names[name] = file
		}
	}
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, err := os.Stat(filepath.Join(file, "go.mod"))
			switch {
			case file == ".":
			case err == nil, strings.HasPrefix(entry.Name(), "."), file == "bpf", file == "libbpf/upstream",
				file == "internal/testutil", entry.Name() == "testdata":
				return filepath.SkipDir
			}
			return nil
		}
		switch {
		case strings.HasSuffix(file, "_test.go"), strings.HasSuffix(file, ".bpf.c"):
		case strings.HasSuffix(file, ".go"):
			return parityGoNames(file, names, addC)
		case strings.HasSuffix(file, ".c"), strings.HasSuffix(file, ".h"):
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			addC(file, string(text))
		}
		return nil
	})
	check(t, err)
	return names
}

// parityGoNames adds the names of C in a Go file: C.name, and those in the preamble.
func parityGoNames(file string, names map[string]string, addC func(file, text string)) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	cgo := regexp.MustCompile(`(?m)^[ \t]*#cgo\b.*$`)
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "C" {
				names[n.Sel.Name] = file
			}
		case *ast.GenDecl:
			for _, spec := range n.Specs {
				if s, ok := spec.(*ast.ImportSpec); ok && s.Path.Value == `"C"` {
					addC(file, cgo.ReplaceAllString(n.Doc.Text()+s.Doc.Text(), ""))
				}
			}
		}
		return true
	})
	return nil
}

var parityCNoise = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'`)

// parityStripC takes comments and strings out of C source.
func parityStripC(text string) string { return parityCNoise.ReplaceAllString(text, " ") }
