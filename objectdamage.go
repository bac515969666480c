package libbpf

import (
	"debug/elf"
	"io"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// libbpf trusts compilers, but checks nearly everything. The damaged objects below were found by fuzzing: they make
// libbpf access memory out of bounds, or leak. They are refused before libbpf reads them.

// checkInstructions refuses a function whose last instruction takes two slots. Relocating that instruction would write
// beyond the end of the function.
func checkInstructions(object io.ReaderAt, file *elf.File) error {
	const slot = int64(instructionSize)
	symbols, err := file.Symbols()
	if err != nil {
		return nil
	}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || int(s.Section) >= len(file.Sections) || s.Size < uint64(slot) {
			continue
		}
		var code [1]byte
		at := int64(file.Sections[s.Section].Offset+s.Value+s.Size) - slot
		if _, err := object.ReadAt(code[:], at); err != nil {
			continue
		}
		if code[0] == loadImm64 {
			return fault.Invalidf("the object is damaged: function %q ends within an instruction", s.Name)
		}
	}
	return nil
}

// checkStructOps refuses a map of type struct_ops that is not defined in a section .struct_ops. libbpf uses that
// definition without checking that it exists.
func (o *OpenObject) checkStructOps() error {
	var defined map[string]bool
	for _, m := range o.maps {
		if !m.isStructOps() {
			continue
		}
		if defined == nil {
			types, err := copyBTF(o.ptr)
			if err != nil {
				return err
			}
			defined, err = variables(types, ".maps")
			_ = types.Close()
			if err != nil {
				return err
			}
		}
		if defined[m.name] {
			return fault.Invalidf("map %q is of type struct_ops and must be defined in a section .struct_ops", m.name)
		}
	}
	return nil
}

// variables returns the names of the variables in a section.
func variables(types *btf.BTF, section string) (map[string]bool, error) {
	names := make(map[string]bool)
	t, err := types.TypeByName(section, btf.KindDatasec)
	if err != nil {
		return names, nil
	}
	for _, v := range t.(*btf.Datasec).Vars {
		t, err := types.TypeByID(v.Type)
		if err != nil {
			return nil, err
		}
		names[t.Name()] = true
	}
	return names, nil
}
