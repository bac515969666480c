package races

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// complete compares the table with the package's source and with the methods that reflection finds.
func (table Table) complete(t *testing.T) {
	t.Helper()
	named := make(map[string]bool)
	for _, typ := range table.Types {
		named[typ.typeName()] = true
	}
	for _, typ := range table.Values {
		name, _, _ := strings.Cut(typ.Name(), "[")
		named[name] = true
	}
	for _, name := range exported(t, table.Folder) {
		if !named[name] {
			t.Errorf("type %s has methods, and is missing in the table", name)
		}
	}
}

func (typ Type) typeName() string {
	name, _, _ := strings.Cut(typ.Name, "/")
	return name
}

// exported are the exported types in a folder that have methods: of their own, or of what they embed.
func exported(t *testing.T, folder string) []string {
	t.Helper()
	files := token.NewFileSet()
	//nolint:staticcheck // build tags do not matter: go/packages would be a dependency
	packages, err := parser.ParseDir(files, folder, func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0)
	if err != nil {
		t.Fatal(err)
	}
	types, withMethods := make(map[string]bool), make(map[string]bool)
	for _, pkg := range packages {
		for _, file := range pkg.Files {
			for _, declaration := range file.Decls {
				switch d := declaration.(type) {
				case *ast.FuncDecl:
					if d.Recv != nil && d.Name.IsExported() {
						withMethods[receiver(d.Recv.List[0].Type)] = true
					}
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() && !s.Assign.IsValid() {
							types[s.Name.Name] = true
							if structure, ok := s.Type.(*ast.StructType); ok && embeds(structure) {
								withMethods[s.Name.Name] = true
							}
						}
					}
				}
			}
		}
	}
	var names []string
	for name := range types {
		if withMethods[name] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatalf("%s has no types", folder)
	}
	slices.Sort(names)
	return names
}

func receiver(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func embeds(structure *ast.StructType) bool {
	return slices.ContainsFunc(structure.Fields.List, func(field *ast.Field) bool { return len(field.Names) == 0 })
}

// methods are the methods that the value is for. Close is the other side of each race.
func (typ Type) methods(t *testing.T) []string {
	t.Helper()
	v := typ.Make(t)
	defer v.finish(t)
	var names []string
	of := reflect.TypeOf(v.It)
	if name, _, _ := strings.Cut(of.Elem().Name(), "["); name != typ.typeName() {
		t.Fatalf("the value is a %s", name)
	}
	for i := range of.NumMethod() {
		name := of.Method(i).Name
		if len(typ.Only) == 0 || slices.Contains(typ.Only, name) {
			names = append(names, name)
		}
	}
	for _, name := range append(slices.Clone(typ.Only), slices.Collect(keys(typ.Methods))...) {
		if !slices.Contains(names, name) {
			t.Errorf("there is no method %s", name)
		}
	}
	return names
}
