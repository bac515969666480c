package gen

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// elfFile is what libbpf does not tell of an object: where variables are, which the linker does not always write into
// the BTF, and what refers to what.
type elfFile struct {
	*elf.File
	symbols []elf.Symbol
	order   binary.ByteOrder
}

func readELF(object []byte) (*elfFile, error) {
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
	return &elfFile{file, symbols, order}, nil
}

// section is the section with that name, and its number.
func (f *elfFile) section(name string) (*elf.Section, elf.SectionIndex) {
	for i, s := range f.Sections {
		if s.Name == name {
			return s, elf.SectionIndex(i)
		}
	}
	return nil, elf.SHN_UNDEF
}

// location is where a variable is in its section.
type location struct {
	offset, size int
	static       bool
}

// variable finds a variable by the name that BTF has. A static variable can have the name of a global one: compilers
// write that of a function as the function's name, a dot and the variable's name, and into BTF the variable's name alone.
// Hidden variables count as static: programs outside of the object have no name for them either.
func (f *elfFile) variable(section, name string, static bool) (location, bool) {
	_, index := f.section(section)
	var found *elf.Symbol
	for i := range f.symbols {
		s := &f.symbols[i]
		if s.Section != index || elf.ST_TYPE(s.Info) != elf.STT_OBJECT || isStatic(s) != static {
			continue
		}
		if s.Name == name {
			found = s
			break
		}
		if static && strings.HasSuffix(s.Name, "."+name) && found == nil {
			found = s
		}
	}
	if found == nil {
		return location{}, false
	}
	return location{int(found.Value), int(found.Size), static}, true
}

func isStatic(s *elf.Symbol) bool {
	visibility := elf.ST_VISIBILITY(s.Other)
	return elf.ST_BIND(s.Info) == elf.STB_LOCAL || visibility == elf.STV_HIDDEN || visibility == elf.STV_INTERNAL
}

// relocation is a place in a section that refers to a symbol.
type relocation struct {
	offset uint64
	symbol *elf.Symbol
}

// relocations are those of a section. BPF objects have the kind without addends.
func (f *elfFile) relocations(of elf.SectionIndex) ([]relocation, error) {
	var all []relocation
	for _, s := range f.Sections {
		if s.Type != elf.SHT_REL || elf.SectionIndex(s.Info) != of {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", s.Name, err)
		}
		for ; len(data) >= 16; data = data[16:] {
			number := f.order.Uint64(data[8:]) >> 32
			if number == 0 || number > uint64(len(f.symbols)) {
				continue
			}
			all = append(all, relocation{f.order.Uint64(data), &f.symbols[number-1]})
		}
	}
	return all, nil
}
