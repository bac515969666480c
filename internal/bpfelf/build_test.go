package bpfelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"
)

// section is a section of an object that a test builds. The first one has number 1.
type section struct {
	name  string
	typ   elf.SectionType
	flags elf.SectionFlag
	info  uint32
	data  []byte
}

// symbol is a symbol of it. The first one has number 1.
type symbol struct {
	name        string
	typ         elf.SymType
	section     elf.SectionIndex
	value, size uint64
}

// write writes numbers in an order of bytes.
func write(order binary.ByteOrder, values ...any) []byte {
	var b bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&b, order, v); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// object is the ELF file of a BPF object. Sections and symbols are in the order given; their table follows, if there are
// any.
func object(order binary.ByteOrder, sections []section, symbols []symbol) []byte {
	text := []byte{0}
	name := func(s string) uint32 {
		text = append(append(text, s...), 0)
		return uint32(len(text) - len(s) - 1)
	}
	strings := uint32(len(sections) + 1)
	sections = append(sections, section{name: ".strtab", typ: elf.SHT_STRTAB})
	if symbols != nil {
		table := make([]byte, elf.Sym64Size)
		for _, s := range symbols {
			table = append(table, write(order, elf.Sym64{
				Name: name(s.name), Info: elf.ST_INFO(elf.STB_GLOBAL, s.typ), Shndx: uint16(s.section), Value: s.value, Size: s.size,
			})...)
		}
		sections = append(sections, section{name: ".symtab", typ: elf.SHT_SYMTAB, data: table})
	}
	headers := []elf.Section64{{}}
	var content []byte
	for i, s := range sections {
		h := elf.Section64{Name: name(s.name), Type: uint32(s.typ), Flags: uint64(s.flags), Info: s.info, Link: strings}
		if uint32(i+1) == strings {
			h.Link = 0
		}
		switch s.typ {
		case elf.SHT_SYMTAB:
			h.Entsize = elf.Sym64Size
		case elf.SHT_REL:
			h.Entsize = 16
		}
		h.Off, h.Size = uint64(elfHeaderSize+len(content)), uint64(len(s.data))
		content = append(content, s.data...)
		headers = append(headers, h)
	}
	headers[strings].Off, headers[strings].Size = uint64(elfHeaderSize+len(content)), uint64(len(text))
	content = append(content, text...)
	data := elf.ELFDATA2LSB
	if order == binary.ByteOrder(binary.BigEndian) {
		data = elf.ELFDATA2MSB
	}
	file := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(data), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: uint32(elf.EV_CURRENT), Ehsize: elfHeaderSize,
		Shoff: uint64(elfHeaderSize + len(content)), Shentsize: 64, Shnum: uint16(len(headers)), Shstrndx: uint16(strings),
	}
	return append(append(write(order, file), content...), write(order, headers)...)
}

const elfHeaderSize = 64

// relocations is the content of a section of them: places and numbers of symbols, by turns.
func relocations(order binary.ByteOrder, pairs ...uint64) []byte {
	var data []byte
	for i := 0; i < len(pairs); i += 2 {
		data = append(data, write(order, pairs[i], pairs[i+1]<<32|10)...)
	}
	return data
}

// insn is an instruction: its code, source register and immediate.
func insn(order binary.ByteOrder, code, source byte, immediate int32) []byte {
	registers := source<<4 | 3 // the destination does not matter
	if order == binary.ByteOrder(binary.BigEndian) {
		registers = 3<<4 | source
	}
	return append([]byte{code, registers, 0, 0}, write(order, immediate)...)
}

func mustRead(t *testing.T, data []byte) *File {
	t.Helper()
	f, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
