package libbpf

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// linkUnits checks the objects that a linker joins. libbpf's linker trusts compilers even more than libbpf does: damaged
// objects make it access memory out of bounds, recurse without an end, or leak.
type linkUnits struct {
	added   int
	first   string // the first object that was added
	order   elf.Data
	symbols map[string]linkSymbol // variables
}

// linkSymbol says which section has a variable, by the BTF of the object that was added first.
type linkSymbol struct{ section, object string }

// Limits that no compiler reaches. The linker counts bytes in an int.
const (
	maxLinkAlign = 1 << 20
	maxLinkSize  = 1 << 30 // of all sections of an object
)

// check refuses an object that libbpf can't be given.
func (u *linkUnits) check(object string, image []byte) error {
	if what := notObject(image[:min(len(image), 512)]); what != "" {
		return fault.New("it is "+what, clib.ErrnoFormat)
	}
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return damaged("%v", err)
	}
	switch {
	case file.Machine != elf.EM_BPF:
		return fault.New("it is not marked as a BPF object", clib.ErrnoFormat)
	case u.added > 0 && file.Data != u.order:
		return fault.Newf(clib.ErrnoEndian, "its byte order (%v) is not that of %s (%v)", file.Data, u.first, u.order)
	}
	symbols, err := checkLinkable(file, image)
	if err != nil {
		return err
	}
	if err := u.checkVariables(object, file, symbols); err != nil {
		return err
	}
	if u.added == 0 {
		u.first, u.order = object, file.Data
	}
	u.added++
	return nil
}

func damaged(format string, args ...any) error {
	return fault.Invalidf("the object is damaged: %s", fmt.Sprintf(format, args...))
}

// checkLinkable checks sections, symbols and relocations, and returns the symbols.
func checkLinkable(file *elf.File, image []byte) ([]elf.Symbol, error) {
	scan := scanObject(image)
	if _, err := scan.checkSymbols(); err != nil {
		return nil, err
	}
	seen, total := make(map[string]bool), uint64(0)
	for _, s := range file.Sections {
		again := seen[s.Name]
		seen[s.Name] = true
		switch {
		case s.Type == elf.SHT_NULL:
			continue
		case s.Flags&elf.SHF_COMPRESSED != 0:
			return nil, damaged("section %q is compressed", s.Name)
		case s.Addralign > maxLinkAlign, s.Size > maxLinkSize:
			return nil, damaged("section %q of %d bytes, aligned to %d", s.Name, s.Size, s.Addralign)
		case s.Type == elf.SHT_NOBITS && (s.Flags&elf.SHF_EXECINSTR != 0 || s.Name == "license" || s.Name == "version"):
			return nil, damaged("section %q has no content", s.Name)
		case again && (s.Name == ".BTF" || s.Name == ".BTF.ext"):
			return nil, damaged("it has more than one section %q", s.Name)
		}
		if total += s.Size; total > maxLinkSize {
			return nil, damaged("its sections have more than %d bytes", maxLinkSize)
		}
	}
	symbols, err := file.Symbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, damaged("%v", err)
	}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_SECTION && int(s.Section) >= len(file.Sections) {
			return nil, damaged("a symbol is for section %d of %d", s.Section, len(file.Sections))
		}
	}
	return symbols, checkRelocated(file)
}

// checkRelocated refuses relocations outside of the section that they are for.
func checkRelocated(file *elf.File) error {
	for _, s := range file.Sections {
		if s.Type != elf.SHT_REL {
			continue
		}
		if int(s.Info) >= len(file.Sections) {
			return damaged("section %q is for section %d of %d", s.Name, s.Info, len(file.Sections))
		}
		in := file.Sections[s.Info]
		if in.Flags&elf.SHF_EXECINSTR == 0 {
			continue // the linker does not look into it
		}
		relocations, err := s.Data()
		if err != nil {
			return damaged("section %q: %v", s.Name, err)
		}
		const entry = 16 // an Elf64_Rel: the offset, then the symbol and the type
		for at := 0; at+entry <= len(relocations); at += entry {
			offset := file.ByteOrder.Uint64(relocations[at:])
			if in.Size < uint64(instructionSize) || offset > in.Size-uint64(instructionSize) {
				return damaged("section %q has a relocation at %d of %d bytes", s.Name, offset, in.Size)
			}
		}
	}
	return nil
}

// checkVariables checks the object's BTF, and that each variable is in one section in all objects: the linker keeps the
// number that a variable has in its first section, and uses it for another section.
func (u *linkUnits) checkVariables(object string, file *elf.File, symbols []elf.Symbol) error {
	section := file.Section(".BTF")
	if section == nil || section.Type != elf.SHT_PROGBITS {
		return nil
	}
	raw, err := section.Data()
	if err != nil {
		return damaged("section %q: %v", section.Name, err)
	}
	types, err := btf.ParseRaw(raw)
	if err != nil {
		return damaged("%v", err)
	}
	defer types.Close()
	if err := types.Check(); err != nil {
		return damaged("%v", err)
	}
	global := make(map[string]bool)
	for _, s := range symbols {
		if elf.ST_BIND(s.Info) != elf.STB_LOCAL {
			global[s.Name] = true
		}
	}
	found := make(map[string]linkSymbol)
	for t := range types.Types(&err) {
		section, ok := t.(*btf.Datasec)
		if !ok || section.Name() == ".extern" {
			continue
		}
		for _, v := range section.Vars {
			variable, err := types.TypeByID(v.Type)
			if err != nil {
				return damaged("%v", err)
			}
			name := variable.Name()
			if !global[name] {
				continue
			}
			for _, known := range []map[string]linkSymbol{u.symbols, found} {
				if k, ok := known[name]; ok && k.section != section.Name() {
					return fault.Invalidf("%q is in section %q, and in section %q of %s: that can't be linked",
						name, section.Name(), k.section, k.object)
				}
			}
			found[name] = linkSymbol{section.Name(), object}
		}
	}
	if err != nil {
		return damaged("%v", err)
	}
	if u.symbols == nil {
		u.symbols = make(map[string]linkSymbol)
	}
	for name, at := range found {
		if _, ok := u.symbols[name]; !ok {
			u.symbols[name] = at
		}
	}
	return nil
}
