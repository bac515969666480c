package libbpf_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
)

// flagTypes has all types of flags. TestFlagsHaveNames fails for a type that is in the sources but not here.
var flagTypes = map[string]func(flags uint64) fmt.Stringer{
	"AttachFlags":      func(f uint64) fmt.Stringer { return libbpf.AttachFlags(f) },
	"MapCreateFlags":   func(f uint64) fmt.Stringer { return libbpf.MapCreateFlags(f) },
	"MapFlags":         func(f uint64) fmt.Stringer { return libbpf.MapFlags(f) },
	"NetfilterFlags":   func(f uint64) fmt.Stringer { return libbpf.NetfilterFlags(f) },
	"ProgramInfoParts": func(f uint64) fmt.Stringer { return libbpf.ProgramInfoParts(f) },
	"TCAttachPoint":    func(f uint64) fmt.Stringer { return libbpf.TCAttachPoint(f) },
	"TestRunFlags":     func(f uint64) fmt.Stringer { return libbpf.TestRunFlags(f) },
	"XDPFeatures":      func(f uint64) fmt.Stringer { return libbpf.XDPFeatures(f) },
	"XDPFlags":         func(f uint64) fmt.Stringer { return libbpf.XDPFlags(f) },
}

// Each flag has its own name. The test reads the flags from the sources, so that none is forgotten.
func TestFlagsHaveNames(t *testing.T) {
	fset := token.NewFileSet()
	entries, err := os.ReadDir(".")
	check(t, err)
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, e.Name(), nil, parser.SkipObjectResolution)
		check(t, err)
		files = append(files, file)
	}
	// Constants of these types need neither C nor other packages.
	config := types.Config{FakeImportC: true, Error: func(error) {}, Importer: noPackages{}}
	pkg, _ := config.Check("libbpf", fset, files, nil)
	seen := make(map[string]map[string]string) // by type and name, the constant
	for _, name := range pkg.Scope().Names() {
		object := pkg.Scope().Lookup(name)
		if typ, ok := object.(*types.TypeName); ok && strings.HasSuffix(name, "Flags") && flagTypes[typ.Name()] == nil {
			t.Errorf("%s is not among the types that are tested here", name)
		}
		flag, ok := object.(*types.Const)
		if !ok {
			continue
		}
		named, ok := flag.Type().(*types.Named)
		if !ok || flagTypes[named.Obj().Name()] == nil {
			continue
		}
		typ := named.Obj().Name()
		value, _ := constant.Uint64Val(flag.Val())
		text := flagTypes[typ](value).String()
		if value&(value-1) != 0 { // several: those have names
			continue
		}
		if text == "" || strings.Contains(text, "0x") || strings.Contains(text, "|") {
			t.Errorf("%s, a %s, is %q", name, typ, text)
		}
		if seen[typ] == nil {
			seen[typ] = make(map[string]string)
		}
		if other := seen[typ][text]; other != "" {
			t.Errorf("%s and %s are both %q", name, other, text)
		}
		seen[typ][text] = name
	}
	for typ := range flagTypes {
		if len(seen[typ]) == 0 {
			t.Errorf("no flag of type %s was found", typ)
		}
	}
}

type noPackages struct{}

func (noPackages) Import(path string) (*types.Package, error) {
	return nil, fmt.Errorf("%s is not needed", path)
}

func TestFlagsText(t *testing.T) {
	for want, flags := range map[string]fmt.Stringer{
		"any":                  libbpf.Any,
		"exist|lock":           libbpf.Exist | libbpf.Lock,
		"cpu 3":                libbpf.OnCPU(3),
		"lock|cpu 0":           libbpf.OnCPU(0) | libbpf.Lock,
		"all_cpus|0x100":       libbpf.AllCPUs | 1<<8,
		"0x0":                  libbpf.MapCreateFlags(0),
		"no_prealloc|mmapable": libbpf.CreateNoPrealloc | libbpf.CreateMMapable,
		"rdonly|0x80000000":    libbpf.CreateReadOnly | 1<<31,
		"before|preorder":      libbpf.AttachBefore | libbpf.AttachPreorder,
		"after|0x80":           libbpf.AttachAfter | 1<<7,
		"ingress|egress":       libbpf.TCIngress | libbpf.TCEgress,
	} {
		if got := flags.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
