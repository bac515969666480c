package symbol

import (
	"bytes"
	"debug/elf"
	"io"
	"slices"
	"sync"
)

// symbols returns the symbols that strip(1) removes from a binary.
func (f *File) symbols(only *filter, visit func(function)) {
	walk(f.elf, elf.SHT_SYMTAB, nil, only, visit)
}

// dynamic returns the symbols that the dynamic linker needs: those that a library exports, and those that a binary
// imports. It reads their versions only on request, because that takes time.
func (f *File) dynamic(versions bool) table {
	return func(only *filter, visit func(function)) {
		var symbols []elf.Symbol
		if versions {
			symbols, _ = f.elf.DynamicSymbols()
		}
		walk(f.elf, elf.SHT_DYNSYM, symbols, only, visit)
	}
}

// walk visits the functions in a symbol table. It allocates nothing for each, because large binaries have millions.
// dynamic has the same symbols with their versions, or is nil. Other symbols have the version in their name. With a
// filter, names are valid only until visit returns.
func walk(e *elf.File, typ elf.SectionType, dynamic []elf.Symbol, only *filter, visit func(function)) {
	section := e.SectionByType(typ)
	if section == nil || int64(section.Link) >= int64(len(e.Sections)) {
		return
	}
	t := &tables{}
	if only != nil {
		t = spareTables.Get().(*tables)
		defer t.spare()
	}
	if t.read(section, &t.symbols) != nil || t.read(e.Sections[section.Link], &t.names) != nil {
		return
	}
	size := elf.Sym64Size
	if e.Class == elf.ELFCLASS32 {
		size = elf.Sym32Size
	}
	haveVersions := bytes.IndexByte(t.names, '@') >= 0
	for i := 1; (i+1)*size <= len(t.symbols); i++ { // the first one is empty
		entry := t.symbols[i*size : (i+1)*size]
		info := entry[4]
		if e.Class == elf.ELFCLASS32 {
			info = entry[12]
		}
		kind := defined
		switch elf.ST_TYPE(info) {
		case elf.STT_FUNC:
		case elf.STT_GNU_IFUNC:
			kind = indirect
		default:
			continue
		}
		name, ok := t.name(e.ByteOrder.Uint32(entry))
		if !ok {
			continue
		}
		version := ""
		if haveVersions {
			if at := bytes.IndexByte(name, '@'); at >= 0 {
				_, version = cutVersion(string(name[at:]))
				name = name[:at]
			}
		}
		if only != nil && !only.has(name) {
			continue
		}
		found := function{name: name, version: version, weak: elf.ST_BIND(info) == elf.STB_WEAK, kind: kind}
		var shndx uint16
		if e.Class == elf.ELFCLASS32 {
			found.address, shndx = uint64(e.ByteOrder.Uint32(entry[4:])), e.ByteOrder.Uint16(entry[14:])
			found.size = uint64(e.ByteOrder.Uint32(entry[8:]))
		} else {
			found.address, shndx = e.ByteOrder.Uint64(entry[8:]), e.ByteOrder.Uint16(entry[6:])
			found.size = e.ByteOrder.Uint64(entry[16:])
		}
		if elf.SectionIndex(shndx) == elf.SHN_UNDEF {
			found.kind = imported
		}
		if i-1 < len(dynamic) {
			found.version = dynamic[i-1].Version
		}
		visit(found)
	}
}

// tables are a symbol table and the names of its symbols.
type tables struct{ symbols, names []byte }

// spareTables are used again: new memory costs more than to read a table into it.
var spareTables = sync.Pool{New: func() any { return new(tables) }}

// spare gives the memory back, unless it is so much that nobody should keep it.
func (t *tables) spare() {
	const most = 16 << 20
	if cap(t.symbols)+cap(t.names) <= most {
		spareTables.Put(t)
	}
}

// read reads a section into memory. It takes no more of that than the file has. Tables that are not just bytes of the
// file are rare.
func (t *tables) read(s *elf.Section, into *[]byte) error {
	if s.Flags&elf.SHF_COMPRESSED != 0 || s.Type == elf.SHT_NOBITS {
		data, err := content(s, maxTable)
		*into = data
		return err
	}
	if s.Size > maxTable {
		return errTooLarge
	}
	const atOnce = 1 << 20
	data := (*into)[:0]
	for left := s.Size; left > 0; left = s.Size - uint64(len(data)) {
		n := int(min(left, atOnce))
		data = slices.Grow(data, n)
		read, err := s.ReadAt(data[len(data):len(data)+n], int64(len(data)))
		if read < n {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		data = data[:len(data)+n]
	}
	*into = data
	return nil
}

// name is a name in the table of names.
func (t *tables) name(offset uint32) ([]byte, bool) {
	if uint64(offset) >= uint64(len(t.names)) {
		return nil, false
	}
	name := t.names[offset:min(uint64(offset)+maxName, uint64(len(t.names)))]
	if end := bytes.IndexByte(name, 0); end >= 0 {
		name = name[:end]
	}
	return name, true
}
