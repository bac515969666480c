package symbol

import (
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
)

// goTable is the section with the function table of Go's runtime. strip(1) does not remove it.
const goTable = ".gopclntab"

// goFunctions visits the functions in the table of a Go program.
func (f *File) goFunctions(only *filter, visit func(function)) {
	section := f.elf.Section(goTable)
	if section == nil {
		section = f.elf.Section(".data.rel.ro" + goTable) // of position-independent programs before Go 1.26
	}
	text := f.elf.Section(".text")
	if section == nil || text == nil {
		return
	}
	data, err := content(section, maxTable)
	if err != nil || f.goCount(section) > maxGo {
		return
	}
	start, ok := f.goTextStart(section, data)
	if !ok {
		return
	}
	functions, err := gosym.NewTable(nil, gosym.NewLineTable(data, start))
	if err != nil {
		return
	}
	for _, g := range functions.Funcs {
		if only != nil && !only.has([]byte(g.Name)) {
			continue
		}
		// Before Go 1.18 the table has addresses, which the linker may have left out.
		if g.Entry >= text.Addr && g.Entry-text.Addr < text.Size {
			visit(function{name: []byte(g.Name), address: g.Entry, size: g.End - g.Entry})
		}
	}
}

// The formats of the table that count from the beginning of Go's code.
const (
	goMagic118 = 0xfffffff0
	goMagic120 = 0xfffffff1
)

// goHeader is how many bytes of the table are before the number of functions.
const goHeader = 8

// goWord is the size of the numbers in the table.
func (f *File) goWord() uint64 {
	if f.elf.Class == elf.ELFCLASS32 {
		return 4
	}
	return 8
}

// goCount is the number of functions in a table. For each of them, gosym takes much more memory than the table has.
func (f *File) goCount(table *elf.Section) uint64 {
	count, _ := f.word(table, goHeader, f.goWord())
	return count
}

// goTextStart is the address that a table counts from. It is not where the section .text begins if that has C code as
// well, and a guess would put a breakpoint into the middle of an instruction.
func (f *File) goTextStart(table *elf.Section, data []byte) (uint64, bool) {
	word := f.goWord()
	if len(data) < goHeader {
		return 0, false
	}
	if magic := f.elf.ByteOrder.Uint32(data); magic != goMagic118 && magic != goMagic120 {
		return 0, true
	}
	// Up to Go 1.25 the table has it, after the numbers of functions and of files.
	if start, ok := f.word(table, goHeader+2*word, word); ok && start != 0 {
		return start, true
	}
	// From Go 1.26 on, only the runtime's moduledata has it, after six slices and four words, in a section of its own.
	if module := f.elf.Section(".go.module"); module != nil {
		start, ok := f.word(module, (6*3+4)*word, word)
		return start, ok && start != 0
	}
	return 0, false
}

// word is an address in a section's data. Where the dynamic linker puts it there, it is what that will add to the
// address at which the program is loaded.
func (f *File) word(s *elf.Section, offset, size uint64) (uint64, bool) {
	var b [8]byte
	if _, err := s.ReadAt(b[:size], int64(offset)); err != nil {
		return 0, false
	}
	value := f.elf.ByteOrder.Uint64(b[:])
	if size == 4 {
		value = uint64(f.elf.ByteOrder.Uint32(b[:]))
	}
	if value == 0 {
		value = f.relocated(s.Addr + offset)
	}
	return value, true
}

// relocated is what the dynamic linker puts at an address without looking a symbol up, 0 if it does not.
func (f *File) relocated(address uint64) uint64 {
	type relocation struct{ at, info, addend uint64 }
	left := uint64(maxTable)
	for _, s := range f.elf.Sections {
		if s.Type != elf.SHT_RELA || s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		data, err := content(s, left)
		if err != nil {
			continue
		}
		left -= s.Size
		get := func(b []byte) (r relocation) {
			if f.elf.Class == elf.ELFCLASS32 {
				var r32 elf.Rela32
				_, _ = binary.Decode(b, f.elf.ByteOrder, &r32)
				return relocation{uint64(r32.Off), uint64(elf.R_SYM32(r32.Info)), uint64(uint32(r32.Addend))}
			}
			var r64 elf.Rela64
			_, _ = binary.Decode(b, f.elf.ByteOrder, &r64)
			return relocation{r64.Off, uint64(elf.R_SYM64(r64.Info)), uint64(r64.Addend)}
		}
		size := 24
		if f.elf.Class == elf.ELFCLASS32 {
			size = 12
		}
		for ; len(data) >= size; data = data[size:] {
			if r := get(data[:size]); r.at == address && r.info == 0 {
				return r.addend
			}
		}
	}
	return 0
}
