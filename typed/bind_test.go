package typed_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

func TestBind(t *testing.T) {
	array := create(t, libbpf.MapTypeArray, 4, 8, 2)
	var values typed.Array[uint64]
	check(t, typed.Bind(&values, array))
	check(t, values.Update(1, 7, libbpf.Any))
	if n, err := values.Lookup(1, libbpf.Any); err != nil || n != 7 {
		t.Errorf("value = %d, %v", n, err)
	}
	for _, typ := range []libbpf.MapType{libbpf.MapTypeHash, libbpf.MapTypeLRUHash} {
		var hash typed.Hash[uint32, uint64]
		check(t, typed.Bind(&hash, create(t, typ, 4, 8, 2)))
	}
	for _, typ := range []libbpf.MapType{libbpf.MapTypePerCPUHash, libbpf.MapTypeLRUPerCPUHash} {
		var hash typed.PerCPUHash[uint32, uint64]
		check(t, typed.Bind(&hash, create(t, typ, 4, 8, 2)))
	}

	wantInvalid(t, typed.Bind(new(typed.Hash[uint32, uint64]), array), "is of type array and must be of type hash")
	wantInvalid(t, typed.Bind(new(typed.Array[uint32]), array), "has 4 bytes and must have 8")
	wantInvalid(t, typed.Bind(new(int), array), "a *int is not a pointer to a view of a map")
	wantInvalid(t, typed.Bind((*typed.Array[uint64])(nil), array), "is not a pointer to a view of a map")
	wantInvalid(t, typed.Bind(values, array), "is not a pointer to a view of a map")
	wantErr(t, typed.Bind(new(typed.Array[uint64]), nil), libbpf.ErrClosed)
	if !typed.IsKind(reflect.TypeFor[*typed.StackTrace]()) || typed.IsKind(reflect.TypeFor[typed.StackTrace]()) {
		t.Error("IsKind is wrong")
	}
}

// Bind takes each kind that has a New function.
func TestBindTakesAll(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	check(t, err)
	bound, made := map[string]bool{}, map[string]bool{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		check(t, err)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case !ok:
			case f.Recv != nil && f.Name.Name == "bind":
				bound[nameOf(f.Recv.List[0].Type)] = true
			case f.Recv == nil && strings.HasPrefix(f.Name.Name, "New") && len(f.Type.Params.List) == 1:
				made[nameOf(f.Type.Results.List[0].Type)] = true
			}
		}
	}
	// These are resources of their own.
	delete(made, "RingReader")
	delete(made, "UserRingBuf")
	// These are other names of kinds.
	for name, kind := range map[string]string{
		"LRUHash": "Hash", "LRUPerCPUHash": "PerCPUHash", "SKStorage": "Storage", "InodeStorage": "Storage",
		"TaskStorage": "Storage", "CgrpStorage": "Storage",
	} {
		delete(made, name)
		made[kind] = true
	}
	for name := range made {
		if !bound[name] {
			t.Errorf("Bind does not take a %s", name)
		}
	}
	if len(made) < 20 {
		t.Errorf("only %d kinds were found", len(made))
	}
}

// nameOf is the name of a type behind a pointer and before its arguments.
func nameOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return nameOf(x.X)
	case *ast.IndexExpr:
		return nameOf(x.X)
	case *ast.IndexListExpr:
		return nameOf(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}
