// Package elfobject builds the ELF files of BPF objects that no compiler makes, for tests.
package elfobject

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// Section is a section. The first one has number 1.
type Section struct {
	Name  string
	Type  elf.SectionType
	Flags elf.SectionFlag
	Info  uint32
	Data  []byte
}

// Symbol is a symbol, global unless it is said to be local. The first one has number 1.
type Symbol struct {
	Name        string
	Type        elf.SymType
	Section     elf.SectionIndex
	Value, Size uint64
	Local       bool
}

// Write writes numbers and structs of them in an order of bytes.
func Write(order binary.ByteOrder, values ...any) []byte {
	var b bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&b, order, v); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// Header is the place of the headers of sections, and HeaderSize the size of each, and of the file's.
const Header, HeaderSize = 64, 64

// Build makes an object: its header, the headers of sections, and their contents. Behind the sections given come one with
// all names, and one with the symbols, if there are any.
func Build(order binary.ByteOrder, sections []Section, symbols []Symbol) []byte {
	text := []byte{0}
	name := func(s string) uint32 {
		text = append(append(text, s...), 0)
		return uint32(len(text) - len(s) - 1)
	}
	strings := len(sections) + 1
	sections = append(sections[:len(sections):len(sections)], Section{Name: ".strtab", Type: elf.SHT_STRTAB})
	if symbols != nil {
		table := make([]byte, elf.Sym64Size)
		for _, s := range symbols {
			bind := elf.STB_GLOBAL
			if s.Local {
				bind = elf.STB_LOCAL
			}
			table = append(table, Write(order, elf.Sym64{
				Name: name(s.Name), Info: elf.ST_INFO(bind, s.Type), Shndx: uint16(s.Section), Value: s.Value, Size: s.Size,
			})...)
		}
		sections = append(sections, Section{Name: ".symtab", Type: elf.SHT_SYMTAB, Data: table})
	}
	names := make([]uint32, len(sections))
	for i, s := range sections {
		names[i] = name(s.Name)
	}
	sections[strings-1].Data = text
	headers := []elf.Section64{{}}
	begin := Header + (len(sections)+1)*HeaderSize
	var content []byte
	for i, s := range sections {
		h := elf.Section64{
			Name: names[i], Type: uint32(s.Type), Flags: uint64(s.Flags), Info: s.Info,
			Off: uint64(begin + len(content)), Size: uint64(len(s.Data)),
		}
		switch s.Type {
		case elf.SHT_SYMTAB:
			h.Entsize, h.Link = elf.Sym64Size, uint32(strings)
		case elf.SHT_REL:
			h.Entsize, h.Link = 16, uint32(len(sections))
		}
		content = append(content, s.Data...)
		headers = append(headers, h)
	}
	data := elf.ELFDATA2LSB
	if order == binary.ByteOrder(binary.BigEndian) {
		data = elf.ELFDATA2MSB
	}
	file := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(data), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: uint32(elf.EV_CURRENT), Ehsize: Header,
		Shoff: Header, Shentsize: HeaderSize, Shnum: uint16(len(headers)), Shstrndx: uint16(strings),
	}
	return append(Write(order, file, headers), content...)
}

// Relocations is the content of a section of them: places and numbers of symbols, by turns.
func Relocations(order binary.ByteOrder, pairs ...uint64) []byte {
	var data []byte
	for i := 0; i < len(pairs); i += 2 {
		data = append(data, Write(order, pairs[i], pairs[i+1]<<32|10)...)
	}
	return data
}

// Insn is an instruction: its code, source register and immediate.
func Insn(order binary.ByteOrder, code, source byte, immediate int32) []byte {
	registers := source<<4 | 3 // the destination does not matter
	if order == binary.ByteOrder(binary.BigEndian) {
		registers = 3<<4 | source
	}
	return append([]byte{code, registers, 0, 0}, Write(order, immediate)...)
}
