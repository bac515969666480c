package skeleton

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// A field's kind comes from its type, its name from its tag, and its path from the structs that it is in.
func TestFields(t *testing.T) {
	var s struct {
		Without *libbpf.Map
		In      struct {
			Deeper struct {
				Open *libbpf.OpenMap `bpf:"a"`
			}
			Program *libbpf.OpenProgram `bpf:"b"`
		}
		Map     *libbpf.Map          `bpf:"c"`
		Typed   *typed.Array[uint32] `bpf:"d"`
		Loaded  *libbpf.Program      `bpf:"e"`
		Link    *libbpf.Link         `bpf:"f"`
		Section *struct{ V uint32 }  `bpf:""`
	}
	fields, err := fieldsOf(&s)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		kind       kind
		name, path string
	}{
		{openMap, "a", "In.Deeper.Open"}, {openProgram, "b", "In.Program"}, {loadedMap, "c", "Map"}, {typedMap, "d", "Typed"},
		{loadedProgram, "e", "Loaded"}, {link, "f", "Link"}, {variables, "", "Section"},
	}
	if len(fields) != len(want) {
		t.Fatalf("%d fields", len(fields))
	}
	for i, w := range want {
		if f := fields[i]; f.kind != w.kind || f.name != w.name || f.path != w.path {
			t.Errorf("field %d is %d, %q, %q; want %+v", i, f.kind, f.name, f.path, w)
		}
	}
	if err := fields[0].fail(nil); err != nil {
		t.Errorf("no error is one: %v", err)
	}
}

func TestFieldErrors(t *testing.T) {
	for want, into := range map[string]any{
		"field In.m: a field with the tag bpf must be exported": &struct {
			In struct {
				m *libbpf.Map `bpf:"a"`
			}
		}{},
		"field M: a **libbpf.Map stands for nothing": &struct {
			M **libbpf.Map `bpf:"a"`
		}{},
		"field M: a typed.StackTrace stands for nothing": &struct {
			M typed.StackTrace `bpf:"a"`
		}{},
		"field M: a *int stands for nothing": &struct {
			M *int `bpf:"a"`
		}{},
		"field M: a []struct {} stands for nothing": &struct {
			M []struct{} `bpf:"a"`
		}{},
		"a *int: must be a pointer to a struct": new(int),
		"a int: must be a pointer to a struct":  0,
	} {
		if fields, err := fieldsOf(into); fields != nil || !errors.Is(err, libbpf.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: %v, %v", into, fields, err)
		}
	}
}

// Programs write what they like to memory: no type may have bytes that Go gives a meaning of its own.
func TestCheckMemory(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[int8](), reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[complex128](),
		reflect.TypeFor[[3]uint16](), reflect.TypeFor[struct{}](), reflect.TypeFor[struct {
			A [2]struct{ B uint8 }
			C int32
		}](),
	} {
		if err := checkMemory(typ); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
	for _, c := range []struct {
		typ  reflect.Type
		want string
	}{
		{reflect.TypeFor[bool](), "use ctypes.Bool"}, {reflect.TypeFor[[2]bool](), "use ctypes.Bool"},
		{reflect.TypeFor[struct {
			A int32
			B struct{ C bool }
			D int32
		}](), "use ctypes.Bool"},
		{reflect.TypeFor[*int32](), "it has a *int32"}, {reflect.TypeFor[[1]string](), "it has a string"},
		{reflect.TypeFor[int](), "it has a int"}, {reflect.TypeFor[uintptr](), "it has a uintptr"},
		{reflect.TypeFor[struct{ A [0]func() }](), "it has a func()"},
	} {
		if err := checkMemory(c.typ); !errors.Is(err, libbpf.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.typ, err, c.want)
		}
	}
}

func TestConstant(t *testing.T) {
	for section, want := range map[string]bool{
		".rodata": true, ".rodata.x": true, ".rodata.": true, ".kconfig": true, ".rodatax": false, ".data": false, ".bss": false, "": false,
	} {
		if got := constant(section); got != want {
			t.Errorf("%s is constant: %v", section, got)
		}
	}
}

// A Go struct is as large as its section, with padding at its end.
func TestRoundUp(t *testing.T) {
	for size, want := range map[int]uintptr{0: 0, 1: 8, 7: 8, 8: 8, 9: 16, 16: 16} {
		if got := roundUp(size); got != want {
			t.Errorf("%d bytes become %d, want %d", size, got, want)
		}
	}
}

// What is loaded for a name: what it uses, what that holds, and so on, also in a circle.
func TestClosure(t *testing.T) {
	s := Spec{
		Uses:  map[string][]string{"run": {"counts", "calls"}, "other": {"counts"}, "called": {"calls", "last"}},
		Holds: map[string][]string{"calls": {"called", "again"}, "again": {"calls"}},
	}
	for name, want := range map[string][]string{
		"run": {"run", "counts", "calls", "called", "again", "last"}, "other": {"other", "counts"}, "counts": {"counts"},
		"again": {"again", "calls", "called", "last"},
	} {
		names := map[string]bool{}
		for _, w := range want {
			names[w] = true
		}
		if got := s.closure([]field{{name: name}}); !reflect.DeepEqual(got, names) {
			t.Errorf("%s: %v, want %v", name, got, names)
		}
	}
	if got := s.closure(nil); len(got) != 0 {
		t.Errorf("nothing needs %v", got)
	}
}
