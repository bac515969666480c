package libbpf

import (
	"bytes"
	"debug/elf"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
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

// checkTypes refuses types that libbpf would follow without an end, and variables of the kernel's configuration that it
// can't have.
func checkTypes(image []byte) error {
	scan := scanObject(image)
	externs := scan.numExterns()
	for n := range scan.numSections() {
		if !scan.isNamed(n, ".BTF\x00") {
			continue
		}
		raw := scan.section(n).content
		if id := typeOfItself(raw); id != 0 {
			return fault.Invalidf("the object is damaged: type %d refers to itself", id)
		}
		if externs > 0 && bytes.Contains(raw, []byte(".kconfig\x00")) {
			if err := checkKconfig(raw, externs); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxKconfigSize is for all variables of the kernel's configuration. libbpf adds up their sizes in an int.
const maxKconfigSize = 1 << 30

// checkKconfig refuses variables of the kernel's configuration that are so large that libbpf's sum of sizes overflows:
// it would return an invalid pointer, or write beyond the map of these variables. It also refuses structs, as libbpf
// does. But libbpf looks at all their members before, and these may be without an end.
func checkKconfig(raw []byte, externs int) error {
	var largest int64
	var errno error
	clib.Capture(clib.LevelNone, func() { largest, errno = largestKconfig(raw) }) // libbpf says it again when it opens the object
	switch {
	case errno != nil:
		return errno
	case largest < 0:
		return fault.New("a variable of the kernel's configuration is a struct or a union", unix.ENOTSUP)
	case largest > maxKconfigSize/int64(externs): // any number of externs may be one variable
		return fault.Invalidf("the object is damaged: variables of the kernel's configuration are too large")
	}
	return nil
}

// checkStructOps refuses a map of type struct_ops that is not defined in a section .struct_ops. libbpf uses that
// definition without checking that it exists.
func checkStructOps(object *cObject) error {
	if name := misplacedStructOps(object); name != "" {
		return fault.Invalidf("map %q is of type struct_ops and must be defined in a section .struct_ops", name)
	}
	return nil
}
