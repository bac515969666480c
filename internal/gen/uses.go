package gen

import (
	"debug/elf"
	"slices"
)

// findUses finds the maps that each function of sections with programs uses, itself or by the functions that it calls.
func findUses(f *elfFile, arena string) (map[string][]string, error) {
	functions, err := f.Functions(arena)
	if err != nil {
		return nil, err
	}
	uses := make(map[string][]string)
	for _, function := range functions {
		used := make(map[string]bool)
		for _, reached := range function.Reached() {
			for name := range reached.Maps {
				used[name] = true
			}
		}
		if len(used) > 0 && f.Sections[function.Section].Name != ".text" {
			uses[function.Name] = sortedKeys(used)
		}
	}
	return uses, nil
}

// findHolds finds the programs and maps that are in maps from the beginning.
func findHolds(f *elfFile, structOps []string) (map[string][]string, error) {
	holds := make(map[string][]string)
	for _, name := range append([]string{".maps"}, structOps...) {
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
func (f *elfFile) objectAt(section elf.SectionIndex, offset uint64) *elf.Symbol {
	for i := range f.Symbols {
		s := &f.Symbols[i]
		if s.Section == section && elf.ST_TYPE(s.Info) == elf.STT_OBJECT && offset >= s.Value && offset < s.Value+s.Size {
			return s
		}
	}
	return nil
}
