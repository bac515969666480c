package libbpf

import (
	"debug/elf"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil/elfobject"
)

var little = binary.LittleEndian

// Places in an object that elfobject builds.
const (
	headersAt, countAt, namesAt                                = 0x28, 0x3c, 0x3e // in the file's header
	nameIn, kindIn, flagsIn, offsetIn, sizeIn, linkIn, alignIn = 0, 4, 8, 24, 32, 40, 48
)

// in is the place of something in the header of a section.
func in(section, what int) int { return elfobject.Header + section*elfobject.HeaderSize + what }

func TestScanTables(t *testing.T) {
	build := func() []byte {
		return elfobject.Build(little, []elfobject.Section{
			{Name: "a", Type: elf.SHT_PROGBITS, Data: []byte("content")}, {Name: ".BTF", Type: elf.SHT_PROGBITS},
		}, nil) // and the names
	}
	for name, test := range map[string]struct {
		change   func(image []byte) []byte
		sections int
		types    []int
	}{
		"as it is":                  {func(i []byte) []byte { return i }, 4, []int{2}},
		"only a header's beginning": {func(i []byte) []byte { return i[:20] }, 0, nil},
		"one section, where the header is": {func(i []byte) []byte {
			little.PutUint64(i[headersAt:], 0)
			little.PutUint16(i[countAt:], 1)
			return i[:fileHeaderSize]
		}, 1, nil},
		"headers behind the end": {func(i []byte) []byte {
			little.PutUint64(i[headersAt:], uint64(len(i)+1))
			return i
		}, 0, nil},
		"headers at the end": {func(i []byte) []byte {
			little.PutUint64(i[headersAt:], uint64(len(i)))
			return i
		}, 0, nil},
		"more headers than there is room": {func(i []byte) []byte {
			little.PutUint16(i[countAt:], uint16(len(i)/sectionHeaderSize))
			return i
		}, 0, nil},
		"the count in the first section": {func(i []byte) []byte {
			little.PutUint16(i[countAt:], 0)
			little.PutUint64(i[in(0, sizeIn):], 3)
			return i
		}, 3, nil}, // the names are in the fourth
		"the count in the header": {func(i []byte) []byte {
			little.PutUint16(i[countAt:], 1)
			little.PutUint64(i[in(0, sizeIn):], 3)
			return i
		}, 1, nil},
		"a count where no headers are": {func(i []byte) []byte {
			little.PutUint64(i[headersAt:], 0)
			little.PutUint16(i[countAt:], 0)
			little.PutUint64(i[sizeIn:], 2)
			return i
		}, 0, nil},
		"the count in the only section": {func(i []byte) []byte {
			at := len(i) - sectionHeaderSize
			little.PutUint64(i[headersAt:], uint64(at))
			little.PutUint16(i[countAt:], 0)
			little.PutUint64(i[at+sizeIn:], 1)
			return i
		}, 1, nil},
		"the names' number in no section": {func(i []byte) []byte {
			little.PutUint64(i[headersAt:], 0)
			little.PutUint16(i[countAt:], 0)
			little.PutUint16(i[namesAt:], uint16(elf.SHN_XINDEX))
			return i
		}, 0, nil},
		"no count": {func(i []byte) []byte {
			little.PutUint16(i[countAt:], 0)
			return i
		}, 0, nil},
		"the names' number in the first section": {func(i []byte) []byte {
			little.PutUint16(i[namesAt:], uint16(elf.SHN_XINDEX))
			little.PutUint32(i[in(0, linkIn):], 3)
			return i
		}, 4, []int{2}},
		"no names": {func(i []byte) []byte {
			little.PutUint16(i[namesAt:], 4)
			return i
		}, 4, nil},
		"a name at the end of the names": {func(i []byte) []byte {
			little.PutUint64(i[in(3, sizeIn):], uint64(little.Uint32(i[in(2, nameIn):])+5))
			return i
		}, 4, []int{2}},
		"a name that the names end in": {func(i []byte) []byte {
			little.PutUint64(i[in(3, sizeIn):], uint64(little.Uint32(i[in(2, nameIn):])+4))
			return i
		}, 4, nil},
		"a name behind the names": {func(i []byte) []byte {
			little.PutUint32(i[in(1, nameIn):], 1<<20)
			return i
		}, 4, []int{2}},
	} {
		scan := scanObject(test.change(build()))
		if scan.numSections() != test.sections {
			t.Errorf("%s: %d sections, want %d", name, scan.numSections(), test.sections)
		}
		var types []int
		for n := range scan.numSections() {
			if scan.isNamed(n, ".BTF\x00") {
				types = append(types, n)
			}
		}
		if !slices.Equal(types, test.types) {
			t.Errorf("%s: %v have the name of the types, want %v", name, types, test.types)
		}
	}
}

func TestScanSections(t *testing.T) {
	image := elfobject.Build(little, []elfobject.Section{
		{Name: "a", Type: elf.SHT_PROGBITS, Data: []byte("content")}, {Name: "b", Type: elf.SHT_NOBITS, Data: []byte("none")},
		{Name: "c", Type: elf.SHT_PROGBITS, Data: []byte("one\x00two\x01three")}, {Name: "d", Type: elf.SHT_PROGBITS},
	}, nil)
	little.PutUint64(image[in(1, sizeIn):], 1<<40)
	little.PutUint64(image[in(4, offsetIn):], uint64(len(image)+1))
	scan := scanObject(image)
	begin := scan.sectionOffset(1)
	for number, want := range map[int]string{0: "", 1: string(image[begin:]), 2: "", 3: "one\x00two\x01three", 4: ""} {
		if got := scan.section(number).content; string(got) != want {
			t.Errorf("section %d has %q, want %q", number, got, want)
		}
	}
	for _, test := range []struct {
		section, offset uint32
		want            string
	}{{3, 0, "one"}, {3, 4, "two\x01three"}, {3, 1, "ne"}, {3, 13, ""}, {3, 14, ""}, {3, 1 << 31, ""}, {6, 0, ""}, {1 << 31, 0, ""}} {
		if got := scan.text(test.section, test.offset); string(got) != test.want {
			t.Errorf("text %d of section %d is %q, want %q", test.offset, test.section, got, test.want)
		}
	}
}

// What is read of a large object: all but what is for debuggers, and that too where little is between two parts.
func TestUsed(t *testing.T) {
	const near = 1 << 12
	type part struct{ begin, end int } // in the contents of the sections
	progbits := func(name string, size int) elfobject.Section {
		return elfobject.Section{Name: name, Type: elf.SHT_PROGBITS, Data: make([]byte, size)}
	}
	rel := func(name string, size int) elfobject.Section {
		return elfobject.Section{Name: name, Type: elf.SHT_REL, Data: make([]byte, size)}
	}
	code := progbits(".debug_code", 10000)
	code.Flags = elf.SHF_EXECINSTR
	for name, test := range map[string]struct {
		sections []elfobject.Section
		want     []part // without the names at the end
	}{
		"one byte":          {[]elfobject.Section{progbits("a", 1)}, []part{{0, 1}}},
		"all":               {[]elfobject.Section{progbits("a", 10), progbits("b", 20)}, []part{{0, 30}}},
		"near":              {[]elfobject.Section{progbits("a", 10), progbits(".debug_a", near), progbits("b", 20)}, []part{{0, near + 30}}},
		"far":               {[]elfobject.Section{progbits("a", 10), progbits(".debug_a", near+1), progbits("b", 20)}, []part{{0, 10}, {near + 11, near + 31}}},
		"far twice":         {[]elfobject.Section{progbits("a", 10), progbits(".debug_a", 5000), progbits("b", 20), rel(".rel.debug_a", 5000), progbits("c", 5)}, []part{{0, 10}, {5010, 5030}, {10030, 10035}}},
		"relocations":       {[]elfobject.Section{progbits(".debug_a", 5000), rel(".reltext", 32)}, []part{{5000, 5032}}},
		"code":              {[]elfobject.Section{code}, []part{{0, 10000}}},
		"another kind":      {[]elfobject.Section{{Name: ".debug_x", Type: elf.SHT_NOTE, Data: make([]byte, 9000)}}, []part{{0, 9000}}},
		"with others names": {[]elfobject.Section{progbits("x.debug_a", 5000), progbits(".debug", 5000)}, []part{{0, 10000}}},
	} {
		// What is large keeps the names apart from the rest.
		image := elfobject.Build(little, append(test.sections, progbits(".debug_end", 10000)), nil)
		scan := scanObject(image)
		first := int(scan.sectionOffset(1))
		var got []part
		for _, p := range scan.used() {
			begin := cap(image) - cap(p)
			got = append(got, part{begin - first, begin - first + len(p)})
		}
		if len(got) == 0 || !slices.Equal(got[:len(got)-1], test.want) {
			t.Errorf("%s: %v, want %v and the names", name, got, test.want)
		}
	}
	// The order of the headers does not matter, and neither do sections within others.
	image := elfobject.Build(little, []elfobject.Section{
		progbits("late", 10), progbits(".debug_a", 5000), progbits("early", 100), progbits("within", 5), progbits(".debug_b", 10000),
	}, nil)
	scan := scanObject(image)
	first := scan.sectionOffset(1)
	little.PutUint64(image[in(1, offsetIn):], first+6000)
	little.PutUint64(image[in(3, offsetIn):], first)
	little.PutUint64(image[in(4, offsetIn):], first+10)
	var got []part
	for _, p := range scan.used()[:2] {
		begin := cap(image) - cap(p) - int(first)
		got = append(got, part{begin, begin + len(p)})
	}
	if want := []part{{0, 100}, {6000, 6010}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	none := objectScan{image: image}
	if parts := none.used(); len(parts) != 0 {
		t.Errorf("without sections, %d parts are used", len(parts))
	}
}
