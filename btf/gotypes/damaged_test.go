package gotypes_test

import (
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/gotypes"
)

// Damaged types are errors or bytes, and what is generated compiles.
func TestDamaged(t *testing.T) {
	tests := map[string]struct {
		add  func(b *btf.Builder)
		want string // a part of the only warning, if not empty
	}{
		"a struct in itself": {func(b *btf.Builder) {
			b.AddStruct("s", 8, btf.Member{Name: "m", Type: 4})
		}, "contains itself"},
		"an anonymous struct in itself": {func(b *btf.Builder) {
			b.AddStruct("", 8, btf.Member{Type: 4})
		}, "nested too deep"},
		"a typedef of itself": {func(b *btf.Builder) {
			b.AddTypedef("t", 4)
			b.AddStruct("s", 8, btf.Member{Name: "m", Type: 4})
		}, "member m"},
		"a const of itself": {func(b *btf.Builder) {
			b.AddConst(4)
			b.AddTypedef("t", 4)
		}, ""},
		"an array of itself": {func(b *btf.Builder) {
			b.AddArray(4, 2, 3)
			b.AddStruct("s", 8, btf.Member{Name: "m", Type: 4})
		}, "member m"},
		"members that overlap": {func(b *btf.Builder) {
			b.AddStruct("s", 8, btf.Member{Name: "a", Type: 2}, btf.Member{Name: "b", Type: 2, BitOffset: 8})
		}, "overlap"},
		"a member outside": {func(b *btf.Builder) {
			b.AddStruct("s", 8, btf.Member{Name: "a", Type: 3, BitOffset: 32})
		}, "member a ends at byte 12 of 8"},
		"a member far outside": {func(b *btf.Builder) {
			b.AddStruct("s", 8, btf.Member{Name: "a", Type: 3, BitOffset: 0xfffffff8})
		}, "member a at bit"},
		"a union's member that is larger": {func(b *btf.Builder) {
			b.AddUnion("u", 4, btf.Member{Name: "a", Type: 3})
		}, "member a is at bytes 0 to 8"},
		"an anonymous union outside": {func(b *btf.Builder) {
			b.AddUnion("", 8, btf.Member{Name: "a", Type: 3})
			b.AddTypedef("named", 4)
			b.AddStruct("s", 8, btf.Member{Type: 4, BitOffset: 32})
		}, "is not inside"},
		"a bit field outside": {func(b *btf.Builder) {
			b.AddStruct("s", 4, btf.Member{Name: "a", Type: 2, BitOffset: 30, BitfieldSize: 3})
		}, "bit field a ends at bit 33 of 32"},
		"a bit field of a struct": {func(b *btf.Builder) {
			b.AddStruct("s", 4)
			b.AddStruct("t", 4, btf.Member{Name: "a", Type: 4, BitfieldSize: 3})
		}, "bit field a has no accessors"},
		"a bit field of 200 bits": {func(b *btf.Builder) {
			b.AddStruct("t", 40, btf.Member{Name: "a", Type: 3, BitfieldSize: 200})
		}, "bit field a has no accessors"},
		"a member that is no value": {func(b *btf.Builder) {
			b.AddFuncProto(0)
			b.AddStruct("s", 16, btf.Member{Name: "a", Type: 2}, btf.Member{Name: "f", Type: 4, BitOffset: 32},
				btf.Member{Name: "b", Type: 3, BitOffset: 64})
		}, "member f is bytes"},
		"two members that are no values": {func(b *btf.Builder) {
			b.AddFuncProto(0)
			b.AddStruct("s", 8, btf.Member{Name: "f", Type: 4}, btf.Member{Name: "g", Type: 4})
		}, ""},
		"a size that no member can have": {func(b *btf.Builder) {
			b.AddStruct("s", 0xffffffff, btf.Member{Name: "a", Type: 2})
		}, ""},
		"an array that is too large": {func(b *btf.Builder) {
			b.AddArray(3, 2, 0xffffffff)
			b.AddStruct("s", 16, btf.Member{Name: "a", Type: 4})
		}, "member a"},
		"an array of nothing that is too large": {func(b *btf.Builder) {
			b.AddArray(b.AddStruct("nothing", 0), 2, 0xffffffff)
			b.AddStruct("s", 16, btf.Member{Name: "a", Type: 5})
		}, "member a"},
		"members without end": {func(b *btf.Builder) {
			for i := range btf.TypeID(40) {
				b.AddUnion("", 4, btf.Member{Type: i + 5}, btf.Member{Type: i + 5})
			}
			b.AddUnion("", 4, btf.Member{Name: "n", Type: 2})
			b.AddTypedef("many", 4)
		}, ""},
		"names that are no names": {func(b *btf.Builder) {
			b.AddStruct("a\nfunc init() { panic(1) }", 8, btf.Member{Name: "*/ b \u2028\n c", Type: 2},
				btf.Member{Name: "}", Type: 2, BitOffset: 32})
			b.AddEnum("é\r\n", 4, btf.EnumValue{Name: "\n\"x"})
			b.AddDeclTag("first\n//go:embed x\n", 4, -1)
		}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, warnings := generate(t, build(t, tt.add), gotypes.Options{})
			if tt.want != "" && (len(warnings) != 1 || !strings.Contains(warnings[0], tt.want)) {
				t.Errorf("warnings %q, want one with %q", warnings, tt.want)
			}
		})
	}
}

// Structs in structs are bytes from some depth on, and the generator does not look at them again and again.
func TestDeep(t *testing.T) {
	const n = 300
	code, warnings := generate(t, build(t, func(b *btf.Builder) {
		for i := range btf.TypeID(n) {
			b.AddStruct("s", 4, btf.Member{Name: "m", Type: i + 5})
		}
		b.AddStruct("last", 4, btf.Member{Name: "n", Type: 2})
	}), gotypes.Options{})
	if got := strings.Count(code, " struct {\n"); got != n+1 {
		t.Errorf("%d structs, want %d", got, n+1)
	}
	if len(warnings) == 0 || len(warnings) > n/10 {
		t.Errorf("%d warnings", len(warnings))
	}
}
