package gen

import (
	"debug/elf"
	"fmt"
	"slices"

	"github.com/libbpf-go/libbpf-go/internal/place"
)

// function is a range of instructions.
type function struct {
	name       string
	section    elf.SectionIndex
	start, end uint64
	maps       map[string]bool
	calls      []*function
}

// references finds out what refers to what.
type references struct {
	*elfFile
	maps      elf.SectionIndex // the section with the definitions of maps
	arena     string           // the map that has the variables of arenas
	functions []*function
}

// Instructions, of linux/bpf.h.
const (
	insnSize    = 8
	callCode    = 0x85
	pseudoCall  = 1
	sourceShift = 4
	sourceMask  = 0x0f
)

// findUses finds the maps that each function of sections with programs uses, itself or by the functions that it calls.
func findUses(f *elfFile, arena string) (map[string][]string, error) {
	_, maps := f.section(".maps")
	r := &references{elfFile: f, maps: maps, arena: arena}
	for i := range f.symbols {
		s := &f.symbols[i]
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && int(s.Section) < len(f.Sections) && s.Section != elf.SHN_UNDEF {
			r.functions = append(r.functions, &function{
				name: s.Name, section: s.Section, start: s.Value, end: s.Value + s.Size, maps: make(map[string]bool),
			})
		}
	}
	for i := range f.Sections {
		if err := r.read(elf.SectionIndex(i)); err != nil {
			return nil, err
		}
	}
	uses := make(map[string][]string)
	for _, f := range r.functions {
		used := make(map[string]bool)
		f.collect(used, make(map[*function]bool))
		if len(used) > 0 && r.Sections[f.section].Name != ".text" {
			uses[f.name] = sortedKeys(used)
		}
	}
	return uses, nil
}

func (f *function) collect(used map[string]bool, seen map[*function]bool) {
	if seen[f] {
		return
	}
	seen[f] = true
	for name := range f.maps {
		used[name] = true
	}
	for _, called := range f.calls {
		called.collect(used, seen)
	}
}

// at is the function with the instruction at an offset of a section.
func (r *references) at(section elf.SectionIndex, offset uint64) *function {
	i := slices.IndexFunc(r.functions, func(f *function) bool {
		return f.section == section && offset >= f.start && offset < f.end
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
	relocations, err := r.relocations(index)
	if err != nil {
		return err
	}
	related := make(map[uint64]bool)
	for _, at := range relocations {
		related[at.offset] = true
		if at.offset+insnSize <= uint64(len(code)) {
			r.refer(r.at(index, at.offset), code[at.offset:], at.symbol)
		}
	}
	// Calls within a section have no relocation.
	for offset := uint64(0); offset+insnSize <= uint64(len(code)); offset += insnSize {
		insn := code[offset:]
		source := insn[1] >> sourceShift
		if r.order.Uint16([]byte{0, 1}) == 1 { // the registers are in bit fields
			source = insn[1] & sourceMask
		}
		if insn[0] != callCode || source != pseudoCall || related[offset] {
			continue
		}
		immediate := int64(int32(r.order.Uint32(insn[4:])))
		from, to := r.at(index, offset), r.at(index, uint64(int64(offset)+insnSize+immediate*insnSize))
		if from != nil && to != nil {
			from.calls = append(from.calls, to)
		}
	}
	return nil
}

// refer notes that an instruction of a function refers to a symbol.
func (r *references) refer(from *function, insn []byte, symbol *elf.Symbol) {
	if from == nil || int(symbol.Section) >= len(r.Sections) {
		return
	}
	immediate := int64(int32(r.order.Uint32(insn[4:])))
	switch section := r.Sections[symbol.Section]; {
	case symbol.Section == r.maps && r.maps != elf.SHN_UNDEF:
		from.maps[symbol.Name] = true
	case section.Name == place.Arena && r.arena != "":
		from.maps[r.arena] = true
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
			from.calls = append(from.calls, to)
		}
	}
}

// findHolds finds the programs and maps that are in maps from the beginning.
func findHolds(f *elfFile, structOps []string) (map[string][]string, error) {
	holds := make(map[string][]string)
	for _, name := range append([]string{".maps"}, structOps...) {
		_, index := f.section(name)
		if index == elf.SHN_UNDEF {
			continue
		}
		relocations, err := f.relocations(index)
		if err != nil {
			return nil, err
		}
		for _, at := range relocations {
			holder := f.objectAt(index, at.offset)
			if holder != nil && at.symbol.Name != "" && !slices.Contains(holds[holder.Name], at.symbol.Name) {
				holds[holder.Name] = append(holds[holder.Name], at.symbol.Name)
			}
		}
	}
	for _, held := range holds {
		slices.Sort(held)
	}
	return holds, nil
}

// objectAt is the variable at an offset of a section.
func (f *elfFile) objectAt(section elf.SectionIndex, offset uint64) *elf.Symbol {
	for i := range f.symbols {
		s := &f.symbols[i]
		if s.Section == section && elf.ST_TYPE(s.Info) == elf.STT_OBJECT && offset >= s.Value && offset < s.Value+s.Size {
			return s
		}
	}
	return nil
}
