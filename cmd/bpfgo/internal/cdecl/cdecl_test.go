package cdecl

import (
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Declarations are those that libbpf writes for a compiler.
func TestLikeLibbpf(t *testing.T) {
	types, err := btf.Parse(testutil.Object(t, "types"))
	testutil.Check(t, err)
	defer types.Close()
	squash := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	checked := 0
	for typ := range types.Types(&err) {
		composite, ok := typ.(*btf.Composite)
		if !ok {
			continue
		}
		for _, m := range composite.Members {
			if m.Name == "" {
				continue
			}
			want, err := types.Declaration(m.Type, m.Name)
			testutil.Check(t, err)
			got := Declaration(types, m.Type, m.Name)
			if strings.Contains(got, "{") {
				continue // libbpf pads what it declares
			}
			if squash(got) != squash(want) {
				t.Errorf("%s, want %s", got, want)
			}
			checked++
		}
	}
	testutil.Check(t, err)
	if checked < 30 {
		t.Errorf("only %d declarations", checked)
	}
}

func TestDefinition(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	number := b.AddInt("int", 4, btf.IntSigned)
	char := b.AddInt("char", 1, btf.IntSigned)
	proto := b.AddFuncProto(number, btf.Param{Name: "a", Type: number}, btf.Param{})
	array := b.AddArray(b.AddPtr(b.AddConst(char)), number, 3)
	inner := b.AddUnion("", 8, btf.Member{Name: "u", Type: number})
	constant := b.AddConst(b.AddPtr(0))
	outer := b.AddStruct("outer", 64,
		btf.Member{Name: "call", Type: b.AddPtr(proto)},
		btf.Member{Name: "names", Type: array, BitOffset: 64},
		btf.Member{Type: inner, BitOffset: 256},
		btf.Member{Name: "fixed", Type: constant, BitOffset: 320},
		btf.Member{Name: "rows", Type: b.AddPtr(array), BitOffset: 384},
		btf.Member{Name: "low", Type: number, BitOffset: 448, BitfieldSize: 3},
	)
	color := b.AddEnum("color", 4, btf.EnumValue{Name: "RED", Value: -1}, btf.EnumValue{Name: "BLUE", Value: 7})
	function := b.AddFunc("run", btf.LinkageGlobal, proto)
	name := b.AddTypedef("outer_t", outer)
	types, err := b.BTF()
	testutil.Check(t, err)
	defer types.Close()
	for id, want := range map[btf.TypeID]string{
		outer: `struct outer {
	int (*call)(int a, ...);
	const char *names[3];
	union {
		int u;
	};
	void *const fixed;
	const char *(*rows)[3];
	int low : 3;
}`,
		color: "enum color {\n\tRED = -1,\n\tBLUE = 7,\n}", function: "int run(int a, ...)",
		name: "typedef struct outer outer_t", 1000: "/* type 1000 */",
	} {
		if got := Definition(types, id); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

// Types that have others again and again are written up to a length.
func TestEndless(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	number := b.AddInt("int", 4, btf.IntSigned)
	many := func(id btf.TypeID) []btf.Member {
		var all []btf.Member
		for range 8 {
			all = append(all, btf.Member{Name: "m", Type: id})
		}
		return all
	}
	// Each has the one before several times.
	nested := number
	for range 14 {
		nested = b.AddStruct("", 4, many(nested)...)
	}
	proto := number
	for range 14 {
		proto = b.AddPtr(b.AddFuncProto(0, btf.Param{Type: proto}, btf.Param{Type: proto}, btf.Param{Type: proto}))
	}
	types, err := b.BTF()
	testutil.Check(t, err)
	defer types.Close()
	for _, id := range []btf.TypeID{nested, proto} {
		if text := Definition(types, id); len(text) > 64*maxText || !strings.Contains(text, "...") {
			t.Errorf("%d bytes", len(text))
		}
	}
}
