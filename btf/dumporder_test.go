package btf

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// orderTypes have each rank, and names that decide in each way. The golden files are bpftool 7.7's output for them,
// sorted and unsorted.
func orderTypes(t *testing.T) *BTF {
	b := newTestBuilder(t)
	char := b.AddInt("char", 1, IntSigned)
	number := b.AddInt("int", 4, IntSigned)
	inline := b.AddEnum("", 4, EnumValue{"A_FIRST", 0})
	b.AddStruct("zebra", 8, Member{"kind", inline, 0, 0}, Member{"n", number, 32, 0})
	b.AddEnum("", 4, EnumValue{"ONE", 1}, EnumValue{"TWO", 2})
	b.AddEnum64("big", 8, false, EnumValue{"BIG", 1 << 40})
	b.AddEnum("color", 4, EnumValue{"RED", 0})
	b.AddFloat("double", 8)
	b.AddStruct("twin", 4, Member{"b", number, 0, 0})
	b.AddStruct("twin", 4, Member{"a", number, 0, 0})
	b.AddStruct("twin", 4, Member{"a", b.AddConst(number), 0, 0})
	anonymous := b.AddStruct("", 4, Member{"x", number, 0, 0})
	b.AddTypedef("after_t", b.AddTypedef("before_t", anonymous))
	b.AddTypedef("text_t", b.AddArray(char, number, 16))
	b.AddTypedef("text_t", b.AddArray(char, number, 8))
	b.AddUnion("either", 4, Member{"n", number, 0, 0}, Member{"c", char, 0, 0})
	b.AddFwd("gone", KindStruct)
	proto := b.AddFuncProto(number, Param{"x", number})
	b.AddTypedef("call_t", b.AddPtr(proto))
	b.AddTypedef("u32", number)
	slow := b.AddFunc("kfunc_slow", LinkageStatic, proto)
	fast := b.AddFunc("kfunc_fast", LinkageStatic, proto)
	b.AddDeclTag("bpf_kfunc", slow, -1)
	b.AddDeclTag("bpf_kfunc", fast, -1)
	b.AddDeclTag("bpf_fastcall", fast, -1)
	b.AddVar("v", LinkageGlobal, number)
	return build(t, b)
}

func TestDumpOrder(t *testing.T) {
	types := orderTypes(t)
	for file, opts := range map[string]DumpCOptions{
		"testdata/sorted.h":   {},
		"testdata/unsorted.h": {Unsorted: true},
	} {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := types.DumpC(&text, opts); err != nil || text.String() != string(want) {
			t.Errorf("%s differs: %v\n%s", file, err, &text)
		}
	}
}

func TestDumpSomeTypes(t *testing.T) {
	types := orderTypes(t)
	after, err := types.TypeByName("after_t")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := types.DumpC(&text, DumpCOptions{Types: []TypeID{after.ID()}}); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(text.String(), "#endif\n#endif\n\n")
	got, _, _ = strings.Cut(got, "#ifndef")
	if want := "typedef struct {\n\tint x;\n} before_t;\n\ntypedef before_t after_t;\n\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := types.DumpC(&text, DumpCOptions{Types: []TypeID{99}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a type that is not: %v", err)
	}
}

// The check of the dump does not look at tags.
func TestDumpOrderOfDamagedTags(t *testing.T) {
	raw := newRaw()
	raw.add("tag", KindDeclTag, 0, 2, 0xffffffff)
	raw.add("tag", KindDeclTag, 0, 1, 0xffffffff)
	if err := parse(t, raw).DumpC(&strings.Builder{}, DumpCOptions{}); !errors.Is(err, unix.ELOOP) {
		t.Errorf("error %v", err)
	}
}

// Sorted or not, it is the same text in another order.
func TestDumpOrderOfTheKernel(t *testing.T) {
	k := loadKernel(t)
	count := make(map[string]int)
	for i, opts := range []DumpCOptions{{}, {Unsorted: true}} {
		var text strings.Builder
		if err := k.DumpC(&text, opts); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text.String()) {
			if strings.HasPrefix(line, "struct ") && strings.HasSuffix(line, " {\n") && !strings.Contains(line, "___") {
				count[line] += 1 - 2*i
			}
		}
	}
	for line, n := range count {
		if n != 0 {
			t.Errorf("%+d of %s", n, line)
		}
	}
}
