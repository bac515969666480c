package libbpf

import (
	"bytes"
	"debug/elf"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/elfobject"
)

// What the linker can't be given, and what it can, up to the limits.
func TestLinkUnits(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	b.AddInt("int", 4, btf.IntSigned)
	types, err := b.Raw()
	testutil.Check(t, err)
	const code, types1, rel, room, looksLikeRel, short, shortRel, ext, names, symbolTable = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
	const sections = 11
	build := func() []byte {
		image := elfobject.Build(little, []elfobject.Section{
			{Name: "code", Type: elf.SHT_PROGBITS, Flags: elf.SHF_EXECINSTR, Data: make([]byte, 24)},
			{Name: ".BTF", Type: elf.SHT_PROGBITS, Data: types},
			{Name: ".relcode", Type: elf.SHT_REL, Info: code, Data: elfobject.Relocations(little, 0, 1, 16, 1)},
			{Name: ".bss", Type: elf.SHT_NOBITS},
			{Name: ".data", Type: elf.SHT_PROGBITS, Info: code, Data: elfobject.Relocations(little, 1<<40, 1)},
			{Name: "short", Type: elf.SHT_PROGBITS, Flags: elf.SHF_EXECINSTR, Data: make([]byte, 8)},
			{Name: ".relshort", Type: elf.SHT_REL, Info: short, Data: elfobject.Relocations(little, 0, 1)},
			{Name: ".BTF.ext", Type: elf.SHT_PROGBITS},
		}, []elfobject.Symbol{
			{Type: elf.STT_SECTION, Section: code}, {Name: "f", Type: elf.STT_FUNC, Section: code, Size: 24},
		})
		little.PutUint64(image[in(0, sizeIn):], 1<<31) // which counts nothing
		return image
	}
	scan := scanObject(build())
	if scan.numSections() != sections {
		t.Fatalf("%d sections", scan.numSections())
	}
	others := uint64(0)
	for n := 1; n < sections; n++ {
		others += uint64(len(scan.section(n).content))
	}
	symbols, relocations := scan.sectionOffset(symbolTable), scan.sectionOffset(rel)
	for name, test := range map[string]struct {
		change func(image []byte)
		want   string // "": it can be linked
	}{
		"as it is":                     {func([]byte) {}, ""},
		"the largest alignment":        {func(i []byte) { little.PutUint64(i[in(room, alignIn):], maxLinkAlign) }, ""},
		"a larger alignment":           {func(i []byte) { little.PutUint64(i[in(room, alignIn):], maxLinkAlign+1) }, `section ".bss" of 0 bytes`},
		"the largest object":           {func(i []byte) { little.PutUint64(i[in(room, sizeIn):], maxLinkSize-others) }, ""},
		"a larger object":              {func(i []byte) { little.PutUint64(i[in(room, sizeIn):], maxLinkSize-others+1) }, "its sections have more than"},
		"an object of the largest":     {func(i []byte) { little.PutUint64(i[in(room, sizeIn):], maxLinkSize) }, "its sections have more than"},
		"a larger section":             {func(i []byte) { little.PutUint64(i[in(room, sizeIn):], maxLinkSize+1) }, `section ".bss" of`},
		"types twice":                  {func(i []byte) { copy(i[in(room, nameIn):in(room, nameIn)+4], i[in(types1, nameIn):]) }, "more than one section"},
		"more of types twice":          {func(i []byte) { copy(i[in(room, nameIn):in(room, nameIn)+4], i[in(ext, nameIn):]) }, `more than one section ".BTF.ext"`},
		"a compressed section":         {func(i []byte) { little.PutUint64(i[in(code, flagsIn):], uint64(elf.SHF_COMPRESSED)) }, `section "code" is compressed`},
		"for no machine":               {func(i []byte) { little.PutUint16(i[18:], uint16(elf.EM_NONE)) }, "it is not marked as a BPF object"},
		"half a symbol":                {func(i []byte) { little.PutUint64(i[in(symbolTable, sizeIn):], symbolSize*2+1) }, "symbol"},
		"a symbol of no section":       {func(i []byte) { little.PutUint16(i[symbols+symbolSize+6:], sections) }, "a symbol is for section"},
		"a function that ends early":   {func(i []byte) { i[scan.sectionOffset(code)+16] = loadImm64 }, "ends within an instruction"},
		"relocations of no section":    {func(i []byte) { little.PutUint32(i[in(rel, sizeIn+12):], sections) }, "is for section 11 of 11"},
		"relocations behind the file":  {func(i []byte) { little.PutUint64(i[in(rel, offsetIn):], uint64(len(i)-1)) }, `section ".relcode"`},
		"a relocation behind the code": {func(i []byte) { little.PutUint64(i[relocations+16:], 17) }, "has a relocation at 17"},
		"a relocation in little code":  {func(i []byte) { little.PutUint64(i[in(short, sizeIn):], 7) }, "has a relocation at 0 of 7"},
		"no types":                     {func(i []byte) { little.PutUint32(i[in(types1, kindIn):], uint32(elf.SHT_NOBITS)) }, ""},
		"no section for types":         {func(i []byte) { i[scan.sectionOffset(names)+uint64(scan.sectionName(types1))] = '_' }, ""},
		"types behind the file":        {func(i []byte) { little.PutUint64(i[in(types1, offsetIn):], uint64(len(i)-1)) }, `section ".BTF"`},
		"damaged types":                {func(i []byte) { i[scan.sectionOffset(types1)] = 0 }, "the object is damaged"},
	} {
		image := bytes.Clone(build())
		test.change(image)
		var units linkUnits
		switch err := units.check("x.o", image); {
		case test.want == "" && (err != nil || units.added != 1 || units.first != "x.o"):
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || units.added != 0):
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// A variable that other objects see is in one section in all of them. Those of one object only may be anywhere.
func TestLinkVariables(t *testing.T) {
	object := func(section string, local bool) []byte {
		b := btf.NewBuilder()
		defer b.Close()
		n := b.AddInt("int", 4, btf.IntSigned)
		b.AddDatasec(section, 4, btf.DatasecVar{Type: b.AddVar("count", btf.LinkageGlobal, n), Size: 4})
		types, err := b.Raw()
		testutil.Check(t, err)
		return elfobject.Build(little, []elfobject.Section{
			{Name: section, Type: elf.SHT_PROGBITS, Data: make([]byte, 4)}, {Name: ".BTF", Type: elf.SHT_PROGBITS, Data: types},
		}, []elfobject.Symbol{{Name: "count", Type: elf.STT_OBJECT, Section: 1, Size: 4, Local: local}})
	}
	for _, test := range []struct {
		section string
		local   bool
		refused bool
	}{{".data", false, false}, {".rodata", false, true}, {".rodata", true, false}} {
		var units linkUnits
		testutil.Check(t, units.check("a.o", object(".data", test.local)))
		if err := units.check("b.o", object(test.section, test.local)); (err != nil) != test.refused {
			t.Errorf("%+v: %v", test, err)
		}
	}
}
