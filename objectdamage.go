package libbpf

import (
	"bytes"
	"debug/elf"
	"errors"
	"math"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// libbpf trusts compilers, but checks nearly everything. The damaged objects below were found by fuzzing: they make
// libbpf access memory out of bounds, or leak. They are refused before libbpf reads them.

// checkInstructions refuses a function whose last instruction takes two slots. Relocating that instruction would write
// beyond the end of the function.
func checkInstructions(image []byte) error {
	scan := scanObject(image)
	for i := range scan.numSections() {
		table := scan.section(i)
		if table.kind != elf.SHT_SYMTAB {
			continue
		}
		for rest := table.content; len(rest) >= symbolSize; rest = rest[symbolSize:] {
			symbol := rest[:symbolSize]
			if elf.ST_TYPE(symbol[4]) != elf.STT_FUNC {
				continue
			}
			in, value, size := int(scan.uint16(symbol[6:])), scan.uint64(symbol[8:]), scan.uint64(symbol[16:])
			if in >= scan.numSections() || size < uint64(instructionSize) || scan.sectionFlags(in)&elf.SHF_EXECINSTR == 0 {
				continue
			}
			at := scan.sectionOffset(in) + value + size - uint64(instructionSize)
			if at < uint64(len(image)) && image[at] == loadImm64 {
				return fault.Invalidf("the object is damaged: function %q ends within an instruction",
					scan.text(table.link, scan.uint32(symbol)))
			}
		}
	}
	return nil
}

// maxKconfigSize is for all variables of the kernel's configuration. libbpf adds up their sizes in an int.
const maxKconfigSize = 1 << 30

// checkKconfig refuses variables of the kernel's configuration that are so large that libbpf's sum of sizes overflows: it
// would return an invalid pointer, or write beyond the map of these variables.
func checkKconfig(image []byte) error {
	scan := scanObject(image)
	for n := range scan.numSections() {
		if string(scan.text(scan.names, scan.sectionName(n))) != ".BTF" {
			continue
		}
		raw := scan.section(n).content
		if bytes.Contains(raw, []byte(".kconfig\x00")) && largestKconfig(raw) > maxKconfigSize/max(1, scan.numSymbols()) {
			return fault.Invalidf("the object is damaged: variables of the kernel's configuration are too large")
		}
	}
	return nil
}

// largestKconfig is the size of the largest variable of the kernel's configuration. Any number of symbols may have its
// name.
func largestKconfig(raw []byte) int {
	types, err := btf.ParseRaw(raw)
	if err != nil {
		return 0 // libbpf can't read it, either
	}
	defer types.Close()
	largest := 0
	for t := range types.TypesByName(".kconfig", nil) {
		section, ok := t.(*btf.Datasec)
		if !ok {
			continue
		}
		for _, v := range section.Vars {
			size, err := types.Size(v.Type)
			if errors.Is(err, unix.E2BIG) {
				return math.MaxInt
			}
			largest = max(largest, size)
		}
	}
	return largest
}

// checkStructOps refuses a map of type struct_ops that is not defined in a section .struct_ops. libbpf uses that
// definition without checking that it exists.
func checkStructOps(object *cObject) error {
	if !hasStructOps(object) {
		return nil
	}
	types, err := copyBTF(object)
	if err != nil {
		return err
	}
	defer types.Close()
	defined, err := variables(types, ".maps")
	if err != nil {
		return err
	}
	for _, m := range mapsOf(object) {
		if m.typ == MapTypeStructOps && defined[m.name] {
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
