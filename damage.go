package libbpf

import (
	"debug/elf"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
)

// libbpf trusts compilers, and checks nearly everything all the same: of damaged objects, these are what makes it touch
// memory that is not its own, or leak. They were found by trying, and are refused here before libbpf gets there.

// checkFile refuses what is not a file, whose descriptor libbpf would forget to close, or has a damaged function in it. A
// file that can't be opened is left for libbpf to say.
func checkFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	if info.IsDir() {
		return unix.EISDIR
	}
	if !info.Mode().IsRegular() {
		return invalidf("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	return checkInstructions(file)
}

// checkInstructions refuses a function whose last instruction takes two slots: relocating it writes to the second one,
// behind the function. What is no ELF file at all is left for libbpf to say.
func checkInstructions(object io.ReaderAt) error {
	const slot = int64(instructionSize)
	file, err := elf.NewFile(object)
	if err != nil {
		return nil
	}
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
			return invalidf("function %q ends within an instruction", s.Name)
		}
	}
	return nil
}

// checkStructOps refuses a map that says it is a struct_ops but was not defined as one, in a section .struct_ops: libbpf
// looks for that definition without asking whether there is one.
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
			return invalidf("map %q is of type struct_ops but not defined as one", m.name)
		}
	}
	return nil
}

// variables are the names of what a section holds.
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
