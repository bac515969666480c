package symbol

import (
	"bytes"
	"debug/elf"
)

// symbols returns the symbols that strip(1) removes from a binary.
func (f *File) symbols(visit func(function)) { walk(f.elf, elf.SHT_SYMTAB, nil, visit) }

// dynamic returns the symbols that the dynamic linker needs: those that a library exports, and those that a binary
// imports. It reads their versions only on request, because that takes time.
func (f *File) dynamic(versions bool) table {
	return func(visit func(function)) {
		var symbols []elf.Symbol
		if versions {
			symbols, _ = f.elf.DynamicSymbols()
		}
		walk(f.elf, elf.SHT_DYNSYM, symbols, visit)
	}
}

// walk visits the functions in a symbol table. It allocates nothing for each, because large binaries have millions.
// dynamic has the same symbols with their versions, or is nil. Other symbols have the version in their name.
func walk(e *elf.File, typ elf.SectionType, dynamic []elf.Symbol, visit func(function)) {
	section := e.SectionByType(typ)
	if section == nil || int64(section.Link) >= int64(len(e.Sections)) {
		return
	}
	data, err := content(section, maxTable)
	if err != nil {
		return
	}
	names, err := content(e.Sections[section.Link], maxTable)
	if err != nil {
		return
	}
	size := elf.Sym64Size
	if e.Class == elf.ELFCLASS32 {
		size = elf.Sym32Size
	}
	for i := 1; (i+1)*size <= len(data); i++ { // the first one is empty
		entry := data[i*size : (i+1)*size]
		var value, length uint64
		var info byte
		var shndx uint16
		if e.Class == elf.ELFCLASS32 {
			value, info, shndx = uint64(e.ByteOrder.Uint32(entry[4:])), entry[12], e.ByteOrder.Uint16(entry[14:])
			length = uint64(e.ByteOrder.Uint32(entry[8:]))
		} else {
			value, info, shndx = e.ByteOrder.Uint64(entry[8:]), entry[4], e.ByteOrder.Uint16(entry[6:])
			length = e.ByteOrder.Uint64(entry[16:])
		}
		found := function{address: value, size: length, weak: elf.ST_BIND(info) == elf.STB_WEAK}
		switch t := elf.ST_TYPE(info); {
		case t != elf.STT_FUNC && t != elf.STT_GNU_IFUNC:
			continue
		case elf.SectionIndex(shndx) == elf.SHN_UNDEF:
			found.kind = imported
		case t == elf.STT_GNU_IFUNC:
			found.kind = indirect
		}
		name := e.ByteOrder.Uint32(entry)
		if uint64(name) >= uint64(len(names)) {
			continue
		}
		found.name = names[name:min(uint64(name)+maxName, uint64(len(names)))]
		if end := bytes.IndexByte(found.name, 0); end >= 0 {
			found.name = found.name[:end]
		}
		if at := bytes.IndexByte(found.name, '@'); at >= 0 {
			_, found.version = cutVersion(string(found.name[at:]))
			found.name = found.name[:at]
		}
		if i-1 < len(dynamic) {
			found.version = dynamic[i-1].Version
		}
		visit(found)
	}
}
