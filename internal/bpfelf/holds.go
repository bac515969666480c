package bpfelf

import (
	"debug/elf"
	"slices"
)

// Holds are the programs and maps that are in maps from the beginning, by the name of the map, which is a variable of one
// of the sections.
func (f *File) Holds(sections ...string) (map[string][]string, error) {
	holds := make(map[string][]string)
	for _, name := range sections {
		_, index := f.Find(name)
		if index == elf.SHN_UNDEF {
			continue
		}
		relocations, err := f.Relocations(index)
		if err != nil {
			return nil, err
		}
		for _, at := range relocations {
			holder := f.objectAt(index, at.Offset)
			if holder != nil && at.Symbol.Name != "" && !slices.Contains(holds[holder.Name], at.Symbol.Name) {
				holds[holder.Name] = append(holds[holder.Name], at.Symbol.Name)
			}
		}
	}
	for _, held := range holds {
		slices.Sort(held)
	}
	return holds, nil
}

// objectAt is the variable at an offset of a section.
func (f *File) objectAt(section elf.SectionIndex, offset uint64) *elf.Symbol {
	for i := range f.Symbols {
		s := &f.Symbols[i]
		if s.Section == section && elf.ST_TYPE(s.Info) == elf.STT_OBJECT && offset >= s.Value && offset < s.Value+s.Size {
			return s
		}
	}
	return nil
}
