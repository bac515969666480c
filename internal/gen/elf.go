package gen

import (
	"debug/elf"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/bpfelf"
)

// elfFile is what libbpf does not tell of an object: where variables are, which the linker does not always write into
// the BTF, and what refers to what.
type elfFile struct {
	*bpfelf.File
}

func readELF(object []byte) (*elfFile, error) {
	file, err := bpfelf.Read(object)
	return &elfFile{file}, err
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
	_, index := f.Find(section)
	var found *elf.Symbol
	for i := range f.Symbols {
		s := &f.Symbols[i]
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
