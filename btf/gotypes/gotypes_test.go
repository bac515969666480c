package gotypes_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/gotypes"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// build returns the types that add adds. Type 1 is a char, 2 an int and 3 a long.
func build(t *testing.T, add func(b *btf.Builder)) *btf.BTF {
	t.Helper()
	b := btf.NewBuilder()
	defer b.Close()
	b.AddInt("char", 1, btf.IntSigned)
	b.AddInt("int", 4, btf.IntSigned)
	b.AddInt("long", 8, btf.IntSigned)
	add(b)
	testutil.Check(t, b.Err())
	types, err := b.BTF()
	testutil.Check(t, err)
	t.Cleanup(func() { _ = types.Close() })
	return types
}

// generate returns the file with all types, which must compile, and the warnings.
func generate(t *testing.T, types *btf.BTF, opts gotypes.Options) (code string, warnings []string) {
	t.Helper()
	g := gotypes.New(types, opts)
	for id := range types.NumTypes() {
		// Not all types are those of values.
		_, _ = g.Type(btf.TypeID(id + 1))
	}
	return file(t, g), g.Warnings()
}

func file(t *testing.T, g *gotypes.Generator) string {
	t.Helper()
	var code bytes.Buffer
	testutil.Check(t, g.File(&code, "test"))
	checkTypes(t, code.Bytes())
	if t.Failed() {
		t.Logf("%s", code.Bytes())
	}
	return code.String()
}

// wantLines checks that code has lines, with any spaces.
func wantLines(t *testing.T, code string, lines ...string) {
	t.Helper()
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	for line := range strings.Lines(code) {
		line = strings.Join(strings.Fields(line), " ")
		lines = slices.DeleteFunc(lines, func(wanted string) bool { return wanted == line })
	}
	if len(lines) > 0 {
		t.Errorf("missing are %q in\n%s", lines, code)
	}
}

func TestType(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		event := b.AddStruct("event", 8, btf.Member{Name: "at", Type: 3})         // 4
		b.AddArray(event, 2, 4)                                                   // 5
		b.AddTypedef("events", 5)                                                 // 6
		b.AddVar("recent", btf.LinkageGlobal, 6)                                  // 7
		b.AddArray(1, 2, 16)                                                      // 8
		b.AddPtr(0)                                                               // 9
		b.AddInt("_Bool", 1, btf.IntBool)                                         // 10
		b.AddEnum("", 4, btf.EnumValue{Name: "LIMIT", Value: 7})                  // 11
		b.AddFwd("elsewhere", btf.KindStruct)                                     // 12
		b.AddFuncProto(0)                                                         // 13
		b.AddFloat("long double", 16)                                             // 14
		b.AddStruct("", 4, btf.Member{Name: "x", Type: 2})                        // 15
		b.AddArray(5, 2, math.MaxUint32)                                          // 16
		b.AddEnum64("wide", 8, false, btf.EnumValue{Name: "TOP", Value: 1 << 62}) // 17
	})
	g := gotypes.New(types, gotypes.Options{})
	for id, want := range map[btf.TypeID]string{
		1: "byte", 2: "int32", 3: "int64", 4: "Event", 5: "[4]Event", 6: "[4]Event", 7: "[4]Event", 8: "Chars16", 9: "uint64",
		10: "ctypes.Bool", 11: "uint32", 14: "[16]byte", 17: "Wide",
	} {
		for range 2 {
			if got, err := g.Type(id); err != nil || got != want {
				t.Errorf("type %d is %s, %v; want %s", id, got, err, want)
			}
		}
	}
	for range 2 {
		if got, err := g.NamedType(15, "Key"); err != nil || got != "Key" {
			t.Errorf("a struct without a name is %s, %v", got, err)
		}
	}
	for id, want := range map[btf.TypeID]error{
		0: unix.EINVAL, 12: unix.EINVAL, 13: unix.EINVAL, 16: unix.E2BIG, 99: btf.ErrNotFound,
	} {
		if _, err := g.Type(id); !errors.Is(err, want) {
			t.Errorf("type %d: %v, want %v", id, err, want)
		}
	}
	wantLines(t, file(t, g), "const Limit = 7", "WideTop Wide = 4611686018427387904", "type Key struct {")
	if imports := g.Imports(); !slices.Equal(imports, []string{"github.com/libbpf-go/libbpf-go/ctypes", "unsafe"}) {
		t.Errorf("imports %q", imports)
	}
	testutil.Check(t, types.Close())
	if _, err := g.Type(3); !errors.Is(err, btf.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := gotypes.New(nil, gotypes.Options{}).Type(3); !errors.Is(err, btf.ErrClosed) {
		t.Errorf("nil: %v", err)
	}
}

// A type may need no package, and the file then imports none.
func TestNoImports(t *testing.T) {
	g := gotypes.New(build(t, func(b *btf.Builder) {}), gotypes.Options{})
	if _, err := g.Type(2); err != nil || len(g.Imports()) != 0 {
		t.Errorf("imports %q, %v", g.Imports(), err)
	}
	file(t, g)
}

// Types of one name that differ get different names. The same calls make the same.
func TestSameNames(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		b.AddStruct("event", 4, btf.Member{Name: "a", Type: 2})
		b.AddStruct("event", 8, btf.Member{Name: "b", Type: 3})
		b.AddUnion("event", 8, btf.Member{Name: "c", Type: 3})
		b.AddEnum("event", 4, btf.EnumValue{Name: "EVENT_A"}, btf.EnumValue{Name: "EVENT_B", Value: 1})
		b.AddStruct("event", 16, btf.Member{Name: "d", Type: 3})
		b.AddEnum("other", 4, btf.EnumValue{Name: "EVENT_A"})
	})
	code, _ := generate(t, types, gotypes.Options{Reserved: []string{"Event", "EventStruct", "OtherEventA"}})
	for range 5 {
		if again, _ := generate(t, types, gotypes.Options{Reserved: []string{"Event", "EventStruct", "OtherEventA"}}); again != code {
			t.Fatal("the code differs")
		}
	}
	wantLines(t, code, "type EventStruct2 struct {", "type EventStruct3 struct {", "type EventUnion struct {",
		"type EventEnum uint32", "type EventStruct4 struct {", "OtherEventAValue Other = 0")
}

func TestOptions(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		color := b.AddEnum("color", 4, btf.EnumValue{Name: "COLOR_RED"}, btf.EnumValue{Name: "COLOR_SKY", Value: 5})
		text := b.AddArray(1, 2, 4)
		b.AddStruct("event", 24, btf.Member{Name: "color", Type: color}, btf.Member{Name: "text", Type: text, BitOffset: 32},
			btf.Member{Name: "n", Type: 2, BitOffset: 64}, btf.Member{Name: "bits", Type: 2, BitOffset: 96, BitfieldSize: 3},
			btf.Member{Name: "at", Type: 3, BitOffset: 128})
	})
	code, _ := generate(t, types, gotypes.Options{
		Prefix: "exec",
		Rename: map[string]string{"event": "Record", "event.n": "Count", "Record.At": "Time", "execColorSky": "Blue",
			"event.bits": "Mask"},
	})
	wantLines(t, code, "type execColor uint32", "execColorRed execColor = 0", "Blue execColor = 5", "type Record struct {",
		"Color execColor", "Text execChars4", "Count int32", "Time int64",
		"func (s *Record) SetMask(v int32) { ctypes.StoreBits(s.bits12[:], 0, 3, uint64(v)) }")

	code, warnings := generate(t, types, gotypes.Options{RawEnumNames: true, Rename: map[string]string{"event": "not Go"}})
	wantLines(t, code, "COLOR_RED Color = 0", "COLOR_SKY Color = 5", "type Event struct {")
	if len(warnings) != 1 || !strings.Contains(warnings[0], "not Go") {
		t.Errorf("warnings %q", warnings)
	}
}

// Members can have the names that bytes would have.
func TestRenameToBytes(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		b.AddStruct("s", 24, btf.Member{Name: "a", Type: 2}, btf.Member{Name: "b", Type: 2, BitOffset: 32, BitfieldSize: 3},
			btf.Member{Name: "c", Type: 1, BitOffset: 64}, btf.Member{Name: "d", Type: 3, BitOffset: 72})
		b.AddUnion("u", 8, btf.Member{Name: "a", Type: 2}, btf.Member{Name: "b", Type: 3})
	})
	code, _ := generate(t, types, gotypes.Options{Rename: map[string]string{
		"s.a": "bits4", "s.c": "raw9", "u.a": "bytes",
	}})
	wantLines(t, code, "bits4 int32", "bits4Bytes [1]byte", "raw9 byte",
		"raw9Bytes [8]byte // d, which is not aligned as Go needs it", "bytesBytes [8]byte")
}

// Raw names of enumerators can be words that Go uses.
func TestRawEnumNames(t *testing.T) {
	code, _ := generate(t, build(t, func(b *btf.Builder) {
		b.AddEnum("words", 4, btf.EnumValue{Name: "type"}, btf.EnumValue{Name: "uint32", Value: 1},
			btf.EnumValue{Name: "string", Value: 2}, btf.EnumValue{Name: "unsafe", Value: 3},
			btf.EnumValue{Name: "Words", Value: 4},
			btf.EnumValue{Name: "_", Value: 5}, btf.EnumValue{Name: "é$", Value: 6}, btf.EnumValue{Name: "2nd", Value: 7})
	}), gotypes.Options{RawEnumNames: true})
	wantLines(t, code, "typeValue Words = 0", "uint32Value Words = 1", "WordsValue Words = 4", "_2nd Words = 7",
		`return "uint32"`)
}

func TestSection(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		settings := b.AddStruct("", 8, btf.Member{Name: "depth", Type: 2}, btf.Member{Name: "width", Type: 2, BitOffset: 32})
		b.AddVar("limit", btf.LinkageGlobal, 3)           // 5
		b.AddVar("settings", btf.LinkageGlobal, settings) // 6
		b.AddDeclTag("How many there may be.", 5, -1)
		b.AddArray(2, 2, 0)              // 8
		b.AddPtr(0)                      // 9
		b.AddFwd("gone", btf.KindStruct) // 10
	})
	variables := []gotypes.Variable{
		{Name: "letter", Type: 1, Offset: 28, Size: 1},
		{Name: "limit", Type: 5, Offset: 0, Size: 8},
		{Name: "calls", Type: 2, Offset: 8, Size: 4, Omit: "static"},
		{Name: "settings", Type: 6, Offset: 16, Size: 8},
		{Name: "odd", Type: 2, Offset: 25, Size: 4 - 1},
		{Name: "none", Type: 8, Offset: 29},
	}
	variables[4] = gotypes.Variable{Name: "count", Type: 2, Offset: 24, Size: 4}
	g := gotypes.New(types, gotypes.Options{Reserved: []string{"Bss"}, Rename: map[string]string{".data.count": "Total"}})
	if name, err := g.Section(".data", "Data", variables, 29); err != nil || name != "Data" {
		t.Fatalf("%s, %v", name, err)
	}
	if name, err := g.Section(".bss", "Bss", variables[:2], 29); err != nil || name != "BssSection" {
		t.Fatalf("%s, %v", name, err)
	}
	wantLines(t, file(t, g),
		"// How many there may be.", "Limit int64", "_ [4]byte // calls: static", "Settings Settings", "Total int32",
		"Letter byte", "_ [3]byte", "// Member none has no bytes.",
		"_ [32]struct{} = [unsafe.Sizeof(Data{})]struct{}{}", "_ [24]struct{} = [unsafe.Offsetof(Data{}.Total)]struct{}{}",
		"// Settings is the type of variable settings.")

	for what, c := range map[string]struct {
		variables []gotypes.Variable
		size      int
		want      error
	}{
		"overlap":  {[]gotypes.Variable{{"a", 2, 0, 4, ""}, {"b", 2, 2, 4, ""}}, 8, unix.EINVAL},
		"outside":  {[]gotypes.Variable{{"a", 2, 8, 4, ""}}, 8, unix.EINVAL},
		"far":      {[]gotypes.Variable{{"a", 2, math.MaxInt, 4, ""}}, 8, unix.EINVAL},
		"negative": {[]gotypes.Variable{{"a", 2, -4, 4, ""}}, 8, unix.EINVAL},
		"larger":   {[]gotypes.Variable{{"a", 3, 4, 4, ""}}, 8, unix.EINVAL},
		"too much": {nil, math.MaxInt, unix.E2BIG},
		"less":     {nil, -1, unix.E2BIG},
		"no size":  {[]gotypes.Variable{{"a", 2, 0, -1, ""}}, 8, unix.EINVAL},
	} {
		if _, err := g.Section(".x", "X", c.variables, c.size); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
	if name, err := g.Section(".x", "X", []gotypes.Variable{{"far", 10, 0, 8, ""}}, 8); err != nil || name != "X" {
		t.Errorf("a variable that can't be expressed: %s, %v", name, err)
	}
	if w := g.Warnings(); len(w) != 1 || !strings.Contains(w[0], "far") {
		t.Errorf("warnings %q", w)
	}
	wantLines(t, file(t, g), "raw0 [8]byte // far: struct gone is declared but not defined")
}

// The sections of an object, at the offsets of its symbols.
func TestSectionOfObject(t *testing.T) {
	path := testutil.Object(t, "globals")
	types := parse(t, path)
	object, err := elf.Open(path)
	testutil.Check(t, err)
	defer object.Close()
	symbols, err := object.Symbols()
	testutil.Check(t, err)
	g := gotypes.New(types, gotypes.Options{})
	for typ := range types.Types(nil) {
		datasec, ok := typ.(*btf.Datasec)
		if !ok || !slices.Contains([]string{".data", ".bss", ".rodata"}, datasec.Name()) {
			continue
		}
		var variables []gotypes.Variable
		for _, v := range datasec.Vars {
			typ, err := types.TypeByID(v.Type)
			testutil.Check(t, err)
			for _, s := range symbols {
				if s.Name == typ.Name() && object.Sections[s.Section].Name == datasec.Name() {
					variables = append(variables, gotypes.Variable{Name: s.Name, Type: v.Type, Offset: int(s.Value), Size: int(s.Size)})
				}
			}
		}
		size := object.Section(datasec.Name()).Size
		if _, err := g.Section(datasec.Name(), gotypes.GoName(datasec.Name()), variables, int(size)); err != nil {
			t.Error(err)
		}
	}
	code := file(t, g)
	if !strings.Contains(code, "type Data struct") || len(g.Warnings()) > 0 {
		t.Errorf("warnings %q in\n%s", g.Warnings(), code)
	}
}

func TestGenerateByName(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		b.AddTypedef("job", b.AddStruct("task", 4, btf.Member{Name: "pid", Type: 2}))
		b.AddStruct("task___old", 8, btf.Member{Name: "pid", Type: 3})
		b.AddUnion("task", 8, btf.Member{Name: "pid", Type: 3})
	})
	for name, want := range map[string]string{
		"task": "type Task struct {", "task___old": "type TaskOld struct {", "union task": "type Task struct {",
		"typedef job": "type Task struct {", "job": "type Task struct {",
	} {
		var code bytes.Buffer
		testutil.Check(t, gotypes.Generate(&code, types, "test", gotypes.Options{}, name))
		checkTypes(t, code.Bytes())
		wantLines(t, code.String(), want)
	}
	for name, want := range map[string]error{
		"absent": btf.ErrNotFound, "enum task": btf.ErrNotFound, "class task": btf.ErrNotFound, "": btf.ErrNotFound,
	} {
		if err := gotypes.Generate(&bytes.Buffer{}, types, "test", gotypes.Options{}, name); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
	}
	closed, err := os.Open(os.DevNull)
	testutil.Check(t, err)
	testutil.Check(t, closed.Close())
	if err := gotypes.Generate(closed, types, "test", gotypes.Options{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a writer that fails: %v", err)
	}
}

// The assertions in generated code find what differs.
func TestAssertions(t *testing.T) {
	code, _ := generate(t, build(t, func(b *btf.Builder) {
		b.AddStruct("pair", 16, btf.Member{Name: "a", Type: 2}, btf.Member{Name: "b", Type: 3, BitOffset: 64})
	}), gotypes.Options{})
	for _, change := range [][2]string{
		{"int64", "int32"}, {"[4]byte", "[8]byte"}, {"[8]struct{}", "[4]struct{}"}, {"[16]struct{}", "[24]struct{}"},
		{"B int64", "B [8]byte"},
	} {
		other := strings.ReplaceAll(code, change[0], change[1])
		if other == code {
			t.Errorf("no %s in\n%s", change[0], code)
		}
		if err := typeCheck([]byte(other), "amd64"); err == nil || !strings.Contains(err.Error(), "Pair") {
			t.Errorf("%q: error %v", change, err)
		}
	}
}

func TestGoName(t *testing.T) {
	for c, want := range map[string]string{
		"pid": "PID", "tgid_of_cpu": "TGIDOfCPU", "comm": "Comm", "COLOR_RED": "ColorRed", "fooBar": "FooBar", "_x": "X",
		"__u32": "U32",
		"a":     "A", "v1_2": "V1_2", "v12": "V12", "2nd": "X2nd", "_2": "X2", "": "X", "___": "X", "ünder": "Ünder",
		"漢字": "X漢字", "Option<u32>": "OptionU32", "ip4_addr": "IP4Addr", "IPV6": "IPv6", "\xff": "X",
	} {
		if got := gotypes.GoName(c); got != want {
			t.Errorf("%q is %q, want %q", c, got, want)
		}
	}
}

// Bit fields of every type, in any order, and those that no Go number holds.
func TestBitFields(t *testing.T) {
	code, warnings := generate(t, build(t, func(b *btf.Builder) {
		large := b.AddInt("__int128", 16, 0)
		flag := b.AddInt("_Bool", 1, btf.IntBool)
		tint := b.AddEnum("tint", 4, btf.EnumValue{Name: "TINT_A", Value: 1})
		deep := b.AddEnum64("deep", 8, true, btf.EnumValue{Name: "DEEP_A", Value: -1})
		b.AddStruct("mixed", 24,
			btf.Member{Name: "second", Type: 2, BitOffset: 8, BitfieldSize: 3},
			btf.Member{Name: "first", Type: 2, BitfieldSize: 3},
			btf.Member{Name: "large", Type: large, BitOffset: 16, BitfieldSize: 5},
			btf.Member{Name: "flag", Type: flag, BitOffset: 24, BitfieldSize: 1},
			btf.Member{Name: "tint", Type: tint, BitOffset: 32, BitfieldSize: 2},
			btf.Member{Name: "deep", Type: deep, BitOffset: 64, BitfieldSize: 64},
			btf.Member{Name: "format", Type: 3, BitOffset: 128, BitfieldSize: 64})
		b.AddStruct("wide", 24, btf.Member{Name: "w", Type: 3, BitfieldSize: 65})
	}), gotypes.Options{})
	wantLines(t, code,
		"bits0 [1]byte", "bits1 [1]byte", "bits2 [1]byte", "bits3 [1]byte", "bits4 [1]byte", "bits8 [8]byte", "bits16 [8]byte",
		"func (s *Mixed) First() int32 { return int32(ctypes.SignExtend(ctypes.LoadBits(s.bits0[:], 0, 3), 3)) }",
		"func (s *Mixed) Second() int32 { return int32(ctypes.SignExtend(ctypes.LoadBits(s.bits1[:], 0, 3), 3)) }",
		"func (s *Mixed) Large() uint64 { return ctypes.LoadBits(s.bits2[:], 0, 5) }",
		"func (s *Mixed) Flag() bool { return ctypes.LoadBits(s.bits3[:], 0, 1) != 0 }",
		"func (s *Mixed) Tint() Tint { return Tint(ctypes.LoadBits(s.bits4[:], 0, 2)) }",
		"func (s *Mixed) Deep() Deep { return Deep(ctypes.SignExtend(ctypes.LoadBits(s.bits8[:], 0, 64), 64)) }",
		"func (s *Mixed) SetDeep(v Deep) { ctypes.StoreBits(s.bits8[:], 0, 64, uint64(v)) }",
		"func (s *Mixed) SetFormatField(v int64) { ctypes.StoreBits(s.bits16[:], 0, 64, uint64(v)) }",
		"// Bit field w has no accessors.")
	if len(warnings) != 1 || !strings.Contains(warnings[0], "struct wide: bit field w has no accessors") {
		t.Errorf("warnings %q", warnings)
	}
}

// Declaration tags become comments, also those of a typedef that names a struct. Its members are renamed under its name.
func TestTags(t *testing.T) {
	code, _ := generate(t, build(t, func(b *btf.Builder) {
		named := b.AddStruct("named", 8, btf.Member{Name: "a", Type: 2}, btf.Member{Name: "b", Type: 2, BitOffset: 32})
		b.AddDeclTag("About the struct.", named, -1)
		b.AddDeclTag("About b.", named, 1)
		b.AddDeclTag("More about b.", named, 1)
		nameless := b.AddStruct("", 4, btf.Member{Name: "c", Type: 2})
		alias := b.AddTypedef("alias", nameless)
		b.AddDeclTag("About the typedef.", alias, -1)
		other := b.AddTypedef("other", named)
		b.AddDeclTag("About another name.", other, -1)
		choice := b.AddEnum("choice", 4, btf.EnumValue{Name: "CHOICE_A"})
		b.AddDeclTag("About the enum.", choice, -1)
	}), gotypes.Options{Rename: map[string]string{"alias.c": "Count", "other.a": "Wrong"}})
	for _, want := range []string{
		"// Named is struct named.\n//\n// About the struct.\ntype Named struct {\n\tA int32\n\t// About b.\n\t// More about b.\n\tB int32\n}",
		"// Alias is typedef alias.\n//\n// About the typedef.\ntype Alias struct {\n\tCount int32\n}",
		"// Choice is enum choice.\n//\n// About the enum.\ntype Choice uint32",
	} {
		if !strings.Contains(code, want) {
			t.Errorf("missing is %q in\n%s", want, code)
		}
	}
	if strings.Contains(code, "About another name.") {
		t.Error("a struct has the tag of a typedef that does not name it")
	}
}

// The largest types that are declared, and those that are a little larger.
func TestLimits(t *testing.T) {
	const most = 1 << 27
	taken, refused := map[string]btf.TypeID{}, map[string]btf.TypeID{}
	g := gotypes.New(build(t, func(b *btf.Builder) {
		nothing := b.AddStruct("nothing", 0)
		one, word := b.AddInt("unsigned char", 1, 0), b.AddInt("unsigned int", 4, 0)
		taken["struct"], refused["struct"] = b.AddStruct("most", most), b.AddStruct("more", most+1)
		taken["array"], refused["array"] = b.AddArray(one, 2, most), b.AddArray(one, 2, most+1)
		taken["array of words"], refused["array of words"] = b.AddArray(word, 2, most/4), b.AddArray(word, 2, most/4+1)
		taken["array of nothing"], refused["array of nothing"] = b.AddArray(nothing, 2, most), b.AddArray(nothing, 2, most+1)
		taken["text"], refused["text"] = b.AddArray(1, 2, most), b.AddArray(1, 2, most+1)
	}), gotypes.Options{})
	for what, id := range taken {
		if _, err := g.Type(id); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, id := range refused {
		if typ, err := g.Type(id); !errors.Is(err, unix.E2BIG) {
			t.Errorf("%s, too large: %s, %v", what, typ, err)
		}
	}
	if name, err := g.Section(".data", "Data", nil, most); err != nil || name != "Data" {
		t.Errorf("a section: %s, %v", name, err)
	}
	if _, err := g.Section(".bss", "Bss", nil, most+1); !errors.Is(err, unix.E2BIG) {
		t.Errorf("a section, too large: %v", err)
	}
	if name, err := g.Section(".bss", "Bss", nil, 8); err != nil || name != "Bss" {
		t.Errorf("an error took the name: %s, %v", name, err)
	}
}

// A bit field ends where its union does, wherever the union is.
func TestBitFieldInUnion(t *testing.T) {
	for bits, want := range map[uint32]string{2: "", 3: "bit field a is not in its union"} {
		var id btf.TypeID
		g := gotypes.New(build(t, func(b *btf.Builder) {
			inner := b.AddStruct("", 4, btf.Member{Name: "a", Type: 2, BitOffset: 30, BitfieldSize: bits})
			union := b.AddUnion("", 4, btf.Member{Type: inner})
			id = b.AddStruct("s", 12, btf.Member{Type: union, BitOffset: 32})
		}), gotypes.Options{})
		name, err := g.Type(id)
		if warnings := strings.Join(g.Warnings(), "\n"); err != nil || name != "S" || !strings.Contains(warnings, want) || want == "" && warnings != "" {
			t.Errorf("%d bits: %s, %v, warnings %q", bits, name, err, warnings)
		}
	}
}

// What the compiler alone needs to know is in no comment.
func TestAttributes(t *testing.T) {
	code, _ := generate(t, build(t, func(b *btf.Builder) {
		tagged := b.AddTypeTag("kptr", 2)
		attributed := b.AddTypeAttr("address_space(1)", tagged)
		s := b.AddStruct("s", 16, btf.Member{Name: "a", Type: b.AddPtr(tagged)}, btf.Member{Name: "b", Type: b.AddPtr(attributed), BitOffset: 64})
		b.AddDeclTag("About a.", s, 0)
		b.AddDeclAttr("deprecated", s, 0)
	}), gotypes.Options{})
	wantLines(t, code, "// About a.", "A uint64 // pointer to int, kptr", "B uint64 // pointer to int, kptr")
	if strings.Contains(code, "deprecated") || strings.Contains(code, "address_space") {
		t.Errorf("%s", code)
	}
}
