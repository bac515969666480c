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
		wantInvalid(t, typed.Bind(&hash, create(t, typ, 4, 4, 2)), "has 8 bytes and must have 4")
	}
	for _, typ := range []libbpf.MapType{libbpf.MapTypePerCPUHash, libbpf.MapTypeLRUPerCPUHash} {
		var hash typed.PerCPUHash[uint32, uint64]
		check(t, typed.Bind(&hash, create(t, typ, 4, 8, 2)))
		wantInvalid(t, typed.Bind(&hash, create(t, typ, 4, 4, 2)), "has 8 bytes and must have 4")
	}

	wantInvalid(t, typed.Bind(new(typed.Hash[uint32, uint64]), array), "is of type array and must be of type hash")
	wantInvalid(t, typed.Bind(new(typed.Array[uint32]), array), "has 4 bytes and must have 8")
	wantInvalid(t, typed.Bind(new(int), array), "a *int is not a pointer to a view of a map")
	wantInvalid(t, typed.Bind((*typed.Array[uint64])(nil), array), "is not a pointer to a view of a map")
	wantInvalid(t, typed.Bind(values, array), "is not a pointer to a view of a map")
	wantErr(t, typed.Bind(new(typed.Array[uint64]), nil), libbpf.ErrClosed)
	wantErr(t, typed.Bind(new(typed.Hash[uint32, uint64]), nil), libbpf.ErrClosed)
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

// Bind makes a view of each type of map, and of no other.
func TestBindKinds(t *testing.T) {
	inner := create(t, libbpf.MapTypeArray, 4, 8, 2)
	cases := []struct {
		typ        libbpf.MapType
		key, value uint32
		view       func() any
	}{
		{libbpf.MapTypeBloomFilter, 0, 8, func() any { return new(typed.BloomFilter[uint64]) }},
		{libbpf.MapTypeCgroupArray, 4, 4, func() any { return new(typed.CgroupArray) }},
		{libbpf.MapTypeCPUMap, 4, 8, func() any { return new(typed.CPUMap) }},
		{libbpf.MapTypeDevMap, 4, 8, func() any { return new(typed.DevMap) }},
		{libbpf.MapTypeDevMapHash, 4, 8, func() any { return new(typed.DevMapHash) }},
		{libbpf.MapTypeArrayOfMaps, 4, 4, func() any { return new(typed.ArrayOfMaps) }},
		{libbpf.MapTypeHashOfMaps, 4, 4, func() any { return new(typed.HashOfMaps[uint32]) }},
		{libbpf.MapTypePerCPUArray, 4, 8, func() any { return new(typed.PerCPUArray[uint64]) }},
		{libbpf.MapTypeProgArray, 4, 4, func() any { return new(typed.ProgArray) }},
		{libbpf.MapTypeQueue, 0, 8, func() any { return new(typed.Queue[uint64]) }},
		{libbpf.MapTypeStack, 0, 8, func() any { return new(typed.Stack[uint64]) }},
		{libbpf.MapTypeSockMap, 4, 8, func() any { return new(typed.SockMap) }},
		{libbpf.MapTypeSockHash, 4, 8, func() any { return new(typed.SockHash[uint32]) }},
		{libbpf.MapTypeReuseportSockArray, 4, 8, func() any { return new(typed.ReuseportSockArray) }},
		{libbpf.MapTypeStackTrace, 4, 64, func() any { return new(typed.StackTrace) }},
	}
	for _, c := range cases {
		t.Run(c.typ.String(), func(t *testing.T) {
			var options libbpf.MapCreateOptions
			if c.typ == libbpf.MapTypeArrayOfMaps || c.typ == libbpf.MapTypeHashOfMaps {
				options.InnerMap = inner
			}
			m := createWith(t, c.typ, c.key, c.value, 2, options)
			view := c.view()
			check(t, typed.Bind(view, m))
			if got := view.(interface{ Map() libbpf.MapCore }).Map(); got != libbpf.MapCore(m) {
				t.Errorf("the view is of %v", got)
			}
			other := c.view()
			wantInvalid(t, typed.Bind(other, inner), "is of type array and must be of type "+c.typ.String())
			if got := other.(interface{ MaxEntries() uint32 }).MaxEntries(); got != 0 {
				t.Errorf("an error changed the view: %d elements", got)
			}
			for _, of := range cases {
				if of.typ != c.typ && typed.Bind(of.view(), m) == nil {
					t.Errorf("a %T takes it", of.view())
				}
			}
		})
	}
	for _, v := range []any{new(typed.Storage[uint64]), new(typed.LPMTrie[uint32, uint64]), new(typed.XSKMap),
		new(typed.CgroupStorage[uint64, uint64]), new(typed.PerCPUCgroupStorage[uint64, uint64])} {
		wantInvalid(t, typed.Bind(v, inner), "is of type array and must be of type ")
	}
	wantInvalid(t, typed.Bind(nil, nil), "a <nil> is not a pointer to a view of a map")
	wantInvalid(t, typed.Bind(nil, inner), `map "typed"`)
}
