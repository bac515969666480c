package libbpf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/elfobject"
)

// A large file whose headers are not as compilers write them is read as a whole, or not at all.
func TestReadOddFiles(t *testing.T) {
	good := elfobject.Build(little, []elfobject.Section{
		{Name: ".debug_a", Type: elf.SHT_PROGBITS, Data: bytes.Repeat([]byte{1}, 2*largeImage)},
		{Name: "b", Type: elf.SHT_PROGBITS, Data: bytes.Repeat([]byte{2}, 100)},
	}, nil)
	path := filepath.Join(t.TempDir(), "file")
	read := func(file []byte, size int) (objectImage, error) {
		testutil.Check(t, os.WriteFile(path, file, 0o600))
		from, err := os.Open(path)
		testutil.Check(t, err)
		defer from.Close()
		image := make(objectImage, size)
		return image, image.readUsed(int(from.Fd()))
	}
	image, err := read(good, len(good))
	if err != nil || bytes.Equal(image, good) {
		t.Errorf("what is for debuggers was read, %v", err)
	}
	for name, change := range map[string]func(image []byte){
		"no ELF file":             func(i []byte) { i[0] = 0 },
		"no sections":             func(i []byte) { little.PutUint16(i[countAt:], 0) },
		"no names":                func(i []byte) { little.PutUint16(i[namesAt:], 4) },
		"headers behind the end":  func(i []byte) { little.PutUint64(i[headersAt:], uint64(len(i))+1) },
		"headers far behind it":   func(i []byte) { little.PutUint64(i[headersAt:], 1<<63) },
		"headers beyond the end":  func(i []byte) { little.PutUint64(i[headersAt:], uint64(len(i))-4*sectionHeaderSize+1) },
		"more headers than bytes": func(i []byte) { little.PutUint16(i[countAt:], 0xffff) },
	} {
		odd := bytes.Clone(good)
		change(odd)
		if image, err := read(odd, len(odd)); err != nil || !bytes.Equal(image, odd) {
			t.Errorf("%s: it was not read as a whole, %v", name, err)
		}
		if _, err := read(odd[:len(odd)-1], len(odd)); err == nil {
			t.Errorf("%s: a part was taken for the whole", name)
		}
	}
	// A part that is behind the names.
	last := append(bytes.Clone(good), make([]byte, 100)...)
	little.PutUint64(last[in(2, offsetIn):], uint64(len(good)))
	if _, err := read(last[:len(last)-1], len(last)); err == nil {
		t.Error("a part of a section was taken for the whole")
	}
	for _, size := range []int{0, 10, fileHeaderSize, in(1, 0), in(3, 0), in(4, 0), len(good) - 110, len(good) - 1} {
		if _, err := read(good[:size], len(good)); err == nil {
			t.Errorf("%d bytes of %d were taken for the whole", size, len(good))
		}
	}
}

// Which functions are damaged, and how many symbols libbpf may look for elsewhere.
func TestCheckSymbols(t *testing.T) {
	const exit = 0x95
	code := append(elfobject.Insn(little, loadImm64, 0, 0), elfobject.Insn(little, exit, 0, 0)...)
	build := func(symbols ...elfobject.Symbol) []byte {
		return elfobject.Build(little, []elfobject.Section{
			{Name: "code", Type: elf.SHT_PROGBITS, Flags: elf.SHF_EXECINSTR, Data: code},
			{Name: "data", Type: elf.SHT_PROGBITS, Data: code},
		}, symbols) // and the names and symbols
	}
	function := func(section elf.SectionIndex, value, size uint64) elfobject.Symbol {
		return elfobject.Symbol{Name: "f", Type: elf.STT_FUNC, Section: section, Value: value, Size: size}
	}
	for name, test := range map[string]struct {
		symbol  elfobject.Symbol
		damaged bool
	}{
		"whole":           {function(1, 0, 16), false},
		"half":            {function(1, 0, 8), true},
		"the second half": {function(1, 8, 8), false},
		"less than one":   {function(1, 4, 4), false},
		"nothing":         {function(1, 8, 0), false},
		"no code":         {function(2, 0, 8), false},
		"no function":     {elfobject.Symbol{Type: elf.STT_OBJECT, Section: 1, Size: 8}, false},
		"another section": {function(5, 0, 8), false},
		"absolute":        {function(elf.SHN_ABS, 0, 8), false},
		"far":             {function(1, 1<<40, 8), false},
	} {
		image := build(elfobject.Symbol{Type: elf.STT_OBJECT, Section: 2}, test.symbol) // the last one
		scan := scanObject(image)
		if _, err := scan.checkSymbols(); (err != nil) != test.damaged {
			t.Errorf("%s: %v", name, err)
		}
		if err := checkDamage(image); (err != nil) != test.damaged {
			t.Errorf("%s: %v", name, err)
		}
		// The same bytes are no symbols elsewhere.
		little.PutUint32(image[in(4, kindIn):], uint32(elf.SHT_PROGBITS))
		scan = scanObject(image)
		if _, err := scan.checkSymbols(); err != nil {
			t.Errorf("%s, in no table: %v", name, err)
		}
	}
	// An instruction that would begin where the file ends.
	image := build(function(1, 0, 8))
	little.PutUint64(image[in(1, offsetIn):], uint64(len(image)))
	scan := scanObject(image)
	if _, err := scan.checkSymbols(); err != nil {
		t.Error(err)
	}
	scan = scanObject(build(
		elfobject.Symbol{Name: "extern"}, elfobject.Symbol{Name: "another"}, elfobject.Symbol{Name: "third"}, elfobject.Symbol{Name: "local", Local: true},
		elfobject.Symbol{Name: "here", Type: elf.STT_OBJECT, Section: 2}, elfobject.Symbol{Name: "static", Section: 2, Local: true},
	))
	if externs, err := scan.checkSymbols(); externs != 3 || err != nil {
		t.Errorf("%d externs, %v", externs, err)
	}
}

// The sizes of all variables of the kernel's configuration, which may be one variable each time, fit what libbpf counts in.
func TestCheckKconfig(t *testing.T) {
	raw := func(size uint32) []byte {
		b := btf.NewBuilder()
		defer b.Close()
		char := b.AddInt("char", 1, 0)
		if size == 0 {
			b.AddDatasec(".kconfig", 0)
		} else {
			v := b.AddVar("CONFIG_X", btf.LinkageExtern, b.AddArray(char, char, size))
			b.AddDatasec(".kconfig", size, btf.DatasecVar{Type: v, Size: size})
		}
		raw, err := b.Raw()
		testutil.Check(t, err)
		return raw
	}
	for _, test := range []struct {
		size    uint32
		externs int
		damaged bool
	}{
		{1 << 30, 1, false}, {1<<30 + 1, 1, true}, {1 << 29, 2, false}, {1<<29 + 1, 2, true}, {1<<32 - 1, 0, false}, {0, 5, false},
	} {
		if err := checkTypes(raw(test.size), test.externs); (err != nil) != test.damaged {
			t.Errorf("%d bytes, %d externs: %v", test.size, test.externs, err)
		}
	}
}

// typesOf is the content of a section .BTF with these words, in the order of bytes, from a place behind the header on.
func typesOf(order binary.ByteOrder, place, strings int, words ...uint32) []byte {
	size := uint32(4 * len(words))
	head := elfobject.Write(order, uint16(0xeb9f), uint8(1), uint8(0), uint32(btfHeaderSize), uint32(place), size, uint32(place)+size, uint32(strings))
	return append(append(append(head, make([]byte, place)...), elfobject.Write(order, words)...), make([]byte, strings)...)
}

func TestTypeOfItself(t *testing.T) {
	const pointer, constant, function = uint32(btf.KindPtr) << 24, uint32(btf.KindConst) << 24, uint32(btf.KindFuncProto) << 24
	to := func(kind, id uint32) []uint32 { return []uint32{0, kind, id} }
	join := func(types ...[]uint32) (words []uint32) {
		for _, t := range types {
			words = append(words, t...)
		}
		return words
	}
	for name, test := range map[string]struct {
		words []uint32
		want  uint32
	}{
		"none":                  {nil, 0},
		"void":                  {to(constant, 0), 0},
		"itself":                {to(constant, 1), 1},
		"itself, later":         {join(to(pointer, 0), to(constant, 0), to(constant, 3)), 3},
		"by a pointer":          {to(pointer, 1), 0},
		"through a pointer":     {join(to(constant, 2), to(pointer, 1)), 0},
		"forward":               {join(to(constant, 2), to(constant, 3), to(pointer, 0)), 0},
		"forward and back":      {join(to(constant, 3), to(pointer, 0), to(constant, 2)), 0},
		"two":                   {join(to(constant, 2), to(constant, 1)), 1},
		"a way to a cycle":      {join(to(constant, 3), to(pointer, 0), to(constant, 4), to(constant, 3)), 3},
		"a way that was gone":   {join(to(constant, 2), to(constant, 3), to(pointer, 0), to(constant, 5), to(constant, 2)), 0},
		"behind the last":       {join(to(constant, 3), to(constant, 1)), 0},
		"far behind it":         {to(constant, 1<<32-1), 0},
		"behind one with parts": {join([]uint32{0, function | 1, 0, 0, 2}, to(constant, 2)), 2},
		"behind an unknown one": {join(to(0, 0), to(constant, 2)), 0},
		"behind a cut one":      {[]uint32{0, function | 100, 0, 0, 0}, 0},
	} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			for _, place := range []int{0, 12} {
				for _, strings := range []int{0, 1} {
					got := typeOfItself(typesOf(order, place, strings, test.words...))
					// Any type of a cycle will do.
					if (got == 0) != (test.want == 0) || got != 0 && len(test.words) == 3 && got != test.want {
						t.Errorf("%s, %v: type %d, want %d", name, order, got, test.want)
					}
				}
			}
		}
	}
	whole := typesOf(little, 0, 0, to(constant, 1)...)
	for n := range whole {
		if got := typeOfItself(whole[:n]); got != 0 {
			t.Errorf("%d bytes: type %d", n, got)
		}
	}
}

// CO-RE relocations are of whole instructions. What libbpf refuses without loss is not looked at.
func TestCheckCoreRelocations(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		words := func(all ...uint32) (raw []byte) {
			for _, word := range all {
				raw = append(raw, make([]byte, 4)...)
				order.PutUint32(raw[len(raw)-4:], word)
			}
			return raw
		}
		raw := func(at, size uint32, relocations ...uint32) []byte {
			head := words(0, btfExtHeaderSize, 0, 0, 0, 0, at, size)
			order.PutUint16(head, 0xeb9f)
			return append(head, words(relocations...)...)
		}
		// The size of a record; of each section, its name and the number of records.
		two := []uint32{16, 1, 1, 8, 0, 0, 0, 2, 2, 0, 0, 0, 0, 24, 0, 0, 0}
		within := append(append([]uint32{}, two[:13]...), 25, 0, 0, 0)
		huge := append([]uint32{16, 1, 1 << 31}, two[3:7]...)
		for name, c := range map[string]struct {
			raw     []byte
			damaged bool
		}{
			"two sections":             {raw(0, 68, two...), false},
			"within an instruction":    {raw(0, 68, within...), true},
			"behind the relocations":   {raw(0, 67, within...), false},
			"beyond the end":           {raw(4, 68, within...), false},
			"behind other information": {raw(4, 68, append([]uint32{99}, within...)...), true},
			"more records than are":    {raw(0, 28, huge...), false},
			"records of nothing":       {raw(0, 68, append([]uint32{0}, within[1:]...)...), false},
			"records too short":        {raw(0, 24, coreRelocationSize-4, 1, 1, 9, 0, 0), false},
			"no relocations":           {raw(0, 0), false},
			"a short header":           {raw(0, 68, within...)[:btfExtHeaderSize-1], false},
			"nothing":                  {nil, false},
		} {
			if err := checkCoreRelocations(slices.Clip(c.raw)); (err != nil) != c.damaged || err != nil && !errors.Is(err, ErrInvalid) {
				t.Errorf("%s, %v: %v", name, order, err)
			}
		}
		short := raw(8, 68, within...)
		order.PutUint32(short[4:], btfExtHeaderSize-8) // of a compiler without relocations
		if err := checkCoreRelocations(short); err != nil {
			t.Error(err)
		}
	}
}

// libbpf would lose memory when it loads this object: opening refuses it.
func TestCoreRelocationWithinInstruction(t *testing.T) {
	image, err := os.ReadFile(testutil.Object(t, "core"))
	testutil.Check(t, err)
	file, err := elf.NewFile(bytes.NewReader(image))
	testutil.Check(t, err)
	ext := image[file.Section(".BTF.ext").Offset:]
	at := file.ByteOrder.Uint32(ext[4:]) + file.ByteOrder.Uint32(ext[24:])
	const firstRecord = 4 + 8 // behind the size of records, a name and a number
	ext[at+firstRecord]++
	o, err := OpenMemory(image)
	testutil.WantErr(t, err, ErrInvalid)
	_ = o.Close()
}
