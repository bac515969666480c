// Package bpfelf reads from the ELF file of a BPF object what libbpf does not tell of it: its symbols, and which
// function uses which maps, helpers and externs.
package bpfelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// File is the ELF file of an object.
type File struct {
	*elf.File
	Symbols []elf.Symbol
	Order   binary.ByteOrder
}

// Read reads an object. The result refers to its bytes.
func Read(object []byte) (*File, error) {
	file, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return nil, errors.New("it is not an ELF file")
	}
	if file.Machine != elf.EM_BPF && file.Machine != elf.EM_NONE { // which old compilers wrote
		return nil, fmt.Errorf("it is an ELF file for %s and must be for BPF", strings.TrimPrefix(file.Machine.String(), "EM_"))
	}
	symbols, err := file.Symbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, fmt.Errorf("its symbols: %w", err)
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if file.Data == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	return &File{file, symbols, order}, nil
}

// Find is the section with that name, and its number. The number is SHN_UNDEF if there is none.
func (f *File) Find(name string) (*elf.Section, elf.SectionIndex) {
	for i, s := range f.Sections {
		if s.Name == name {
			return s, elf.SectionIndex(i)
		}
	}
	return nil, elf.SHN_UNDEF
}

// Relocation is a place in a section that refers to a symbol.
type Relocation struct {
	Offset uint64
	Symbol *elf.Symbol
}

// Relocations are those of a section. BPF objects have the kind without addends.
func (f *File) Relocations(of elf.SectionIndex) ([]Relocation, error) {
	var all []Relocation
	for _, s := range f.Sections {
		if s.Type != elf.SHT_REL || elf.SectionIndex(s.Info) != of {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", s.Name, err)
		}
		for ; len(data) >= 16; data = data[16:] {
			number := f.Order.Uint64(data[8:]) >> 32
			if number == 0 || number > uint64(len(f.Symbols)) {
				continue
			}
			all = append(all, Relocation{f.Order.Uint64(data), &f.Symbols[number-1]})
		}
	}
	return all, nil
}
