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

// checkDamage refuses what libbpf trusts and must not.
func checkDamage(image []byte) error {
	scan := scanObject(image)
	externs, err := scan.checkSymbols()
	for n := 0; err == nil && n < scan.numSections(); n++ {
		switch {
		case scan.isNamed(n, ".BTF\x00"):
			err = checkTypes(scan.section(n).content, externs)
		case scan.isNamed(n, ".BTF.ext\x00"):
			err = checkCoreRelocations(scan.section(n).content)
		}
	}
	return err
}

// checkSymbols refuses a function whose last instruction takes two slots. Relocating that instruction would write
// beyond the end of the function. It returns how many symbols libbpf may look for elsewhere; most objects have none.
func (s *objectScan) checkSymbols() (externs int, err error) {
	for n := range s.numSections() {
		if s.sectionKind(n) != elf.SHT_SYMTAB {
			continue
		}
		table := s.section(n)
		for rest := table.content; len(rest) >= symbolSize; rest = rest[symbolSize:] {
			symbol := rest[:symbolSize]
			in := s.uint16(symbol[6:])
			if elf.ST_TYPE(symbol[4]) == elf.STT_FUNC && s.endsWithin(int(in), symbol) {
				return 0, fault.Invalidf("the object is damaged: function %q ends within an instruction",
					s.text(table.link, s.uint32(symbol)))
			}
			if in == uint16(elf.SHN_UNDEF) && elf.ST_BIND(symbol[4]) != elf.STB_LOCAL {
				externs++
			}
		}
	}
	return externs, nil
}

// endsWithin reports whether a function in a section ends within an instruction.
func (s *objectScan) endsWithin(section int, symbol []byte) bool {
	value, size := s.uint64(symbol[8:]), s.uint64(symbol[16:])
	if section >= s.numSections() || size < uint64(instructionSize) || s.sectionFlags(section)&elf.SHF_EXECINSTR == 0 {
		return false
	}
	at := s.sectionOffset(section) + value + size - uint64(instructionSize)
	return at < uint64(len(s.image)) && s.image[at] == loadImm64
}

// checkTypes refuses types that libbpf would follow without an end, and variables of the kernel's configuration that it
// can't have. raw is the content of a section .BTF.
func checkTypes(raw []byte, externs int) error {
	if id := typeOfItself(raw); id != 0 {
		return fault.Invalidf("the object is damaged: type %d refers to itself", id)
	}
	if externs > 0 && bytes.Contains(raw, []byte(".kconfig\x00")) {
		return checkKconfig(raw, externs)
	}
	return nil
}

// Sizes of struct btf_ext_header with CO-RE relocations, and of struct bpf_core_relo.
const (
	btfExtHeaderSize   = 32
	coreRelocationSize = 16
)

// checkCoreRelocations refuses a CO-RE relocation that is not of a whole instruction: libbpf refuses it, too, but loses
// memory. raw is the content of a section .BTF.ext. What it has that is not as it should be, libbpf refuses without loss.
func checkCoreRelocations(raw []byte) error {
	if len(raw) < btfExtHeaderSize {
		return nil
	}
	s := objectScan{big: raw[0] == 0xeb} // the first byte of the magic number 0xeb9f
	header, at, size := uint64(s.uint32(raw[4:])), uint64(s.uint32(raw[24:])), uint64(s.uint32(raw[28:]))
	if header < btfExtHeaderSize || header+at+size > uint64(len(raw)) || size < 4 {
		return nil
	}
	rest := raw[header+at:][:size]
	record := uint64(s.uint32(rest))
	if record < coreRelocationSize {
		return nil
	}
	for rest = rest[4:]; len(rest) >= 8; {
		count := uint64(s.uint32(rest[4:]))
		for rest = rest[8:]; count > 0; count-- {
			if uint64(len(rest)) < record {
				return nil
			}
			if offset := s.uint32(rest); offset%instructionSize != 0 {
				return fault.Invalidf("the object is damaged: a CO-RE relocation is at offset %d, within an instruction", offset)
			}
			rest = rest[record:]
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
