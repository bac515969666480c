package bpfelf

import (
	"debug/elf"
	"fmt"
	"slices"

	"github.com/libbpf-go/libbpf-go/internal/place"
)

// Function is a function of an object, a range of instructions. A program is one too.
type Function struct {
	Name       string
	Section    elf.SectionIndex
	Start, End uint64          // in the section, in bytes
	Maps       map[string]bool // what its own instructions use
	Helpers    map[uint32]bool
	Externs    map[string]bool
	Calls      []*Function // and the functions that they call or refer to
}

// Reached are the function itself and those that it calls, also through others.
func (f *Function) Reached() []*Function {
	reached := []*Function{f}
	for i := 0; i < len(reached); i++ {
		for _, called := range reached[i].Calls {
			if !slices.Contains(reached, called) {
				reached = append(reached, called)
			}
		}
	}
	return reached
}

// references finds out what refers to what.
type references struct {
	*File
	maps      elf.SectionIndex // the section with the definitions of maps
	arena     string           // the map that has the variables of arenas
	functions []*Function
}

// Instructions, of linux/bpf.h.
const (
	insnSize    = 8
	callCode    = 0x85
	pseudoCall  = 1
	sourceShift = 4
	sourceMask  = 0x0f
)

// Functions are the functions of all sections with instructions. arena is the name of the map that has the variables of
// the arena, if any.
func (f *File) Functions(arena string) ([]*Function, error) {
	_, maps := f.Find(".maps")
	r := &references{File: f, maps: maps, arena: arena}
	for i := range f.Symbols {
		s := &f.Symbols[i]
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && int(s.Section) < len(f.Sections) && s.Section != elf.SHN_UNDEF {
			r.functions = append(r.functions, &Function{
				Name: s.Name, Section: s.Section, Start: s.Value, End: s.Value + s.Size,
				Maps: make(map[string]bool), Helpers: make(map[uint32]bool), Externs: make(map[string]bool),
			})
		}
	}
	for i := range f.Sections {
		if err := r.read(elf.SectionIndex(i)); err != nil {
			return nil, err
		}
	}
	return r.functions, nil
}

// at is the function with the instruction at an offset of a section.
func (r *references) at(section elf.SectionIndex, offset uint64) *Function {
	i := slices.IndexFunc(r.functions, func(f *Function) bool {
		return f.Section == section && offset >= f.Start && offset < f.End
	})
	if i < 0 {
		return nil
	}
	return r.functions[i]
}

// read goes through the instructions of a section.
func (r *references) read(index elf.SectionIndex) error {
	section := r.Sections[index]
	if section.Flags&elf.SHF_EXECINSTR == 0 || section.Type != elf.SHT_PROGBITS {
		return nil
	}
	code, err := section.Data()
	if err != nil {
		return fmt.Errorf("section %s: %w", section.Name, err)
	}
	relocations, err := r.Relocations(index)
	if err != nil {
		return err
	}
	related := make(map[uint64]bool)
	for _, at := range relocations {
		related[at.Offset] = true
		if at.Offset < uint64(len(code)) && uint64(len(code))-at.Offset >= insnSize {
			r.refer(r.at(index, at.Offset), code[at.Offset:], at.Symbol)
		}
	}
	// Calls of helpers have no relocation, and neither have calls within a section.
	for offset := uint64(0); offset+insnSize <= uint64(len(code)); offset += insnSize {
		insn := code[offset:]
		if insn[0] != callCode || related[offset] {
			continue
		}
		from, immediate := r.at(index, offset), int64(int32(r.Order.Uint32(insn[4:])))
		if from == nil {
			continue
		}
		switch r.source(insn) {
		case 0:
			from.Helpers[uint32(immediate)] = true
		case pseudoCall:
			if to := r.at(index, uint64(int64(offset)+insnSize+immediate*insnSize)); to != nil {
				from.Calls = append(from.Calls, to)
			}
		}
	}
	return nil
}

// source is the source register of an instruction. The registers are in bit fields.
func (r *references) source(insn []byte) byte {
	if r.Order.Uint16([]byte{0, 1}) == 1 {
		return insn[1] & sourceMask
	}
	return insn[1] >> sourceShift
}

// refer notes that an instruction of a function refers to a symbol.
func (r *references) refer(from *Function, insn []byte, symbol *elf.Symbol) {
	if from == nil {
		return
	}
	if symbol.Section == elf.SHN_UNDEF {
		from.Externs[symbol.Name] = true
		return
	}
	if int(symbol.Section) >= len(r.Sections) {
		return
	}
	immediate := int64(int32(r.Order.Uint32(insn[4:])))
	switch section := r.Sections[symbol.Section]; {
	case symbol.Section == r.maps:
		from.Maps[symbol.Name] = true
	case section.Name == place.Arena && r.arena != "":
		from.Maps[r.arena] = true
	case section.Flags&elf.SHF_EXECINSTR != 0:
		offset := int64(symbol.Value)
		if elf.ST_TYPE(symbol.Info) == elf.STT_SECTION {
			if insn[0] == callCode {
				offset += (immediate + 1) * insnSize
			} else {
				offset += immediate
			}
		}
		if to := r.at(symbol.Section, uint64(offset)); to != nil {
			from.Calls = append(from.Calls, to)
		}
	}
}
