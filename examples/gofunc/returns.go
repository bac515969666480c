package main

import (
	"debug/elf"
	"encoding/binary"
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

// findReturns finds the return instructions of a function, as offsets from its beginning.
func findReturns(path, function string) ([]uint64, error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w (is it stripped?)", path, err)
	}
	for _, symbol := range symbols {
		if symbol.Name != function || int(symbol.Section) >= len(file.Sections) {
			continue
		}
		section := file.Sections[symbol.Section]
		code := make([]byte, symbol.Size)
		if _, err := section.ReadAt(code, int64(symbol.Value-section.Addr)); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return returnsIn(code, file.Machine)
	}
	return nil, fmt.Errorf("%s has no function %s; is it inlined?", path, function)
}

func returnsIn(code []byte, machine elf.Machine) ([]uint64, error) {
	var offsets []uint64
	for offset := 0; offset < len(code); {
		var isReturn bool
		var size int
		switch rest := code[offset:]; machine {
		case elf.EM_X86_64:
			instruction, err := x86asm.Decode(rest, 64)
			if err != nil {
				return nil, fmt.Errorf("instruction at %#x: %w", offset, err)
			}
			isReturn, size = instruction.Op == x86asm.RET, instruction.Len
		case elf.EM_AARCH64:
			const ret = 0xd65f03c0
			isReturn, size = binary.LittleEndian.Uint32(rest) == ret, 4
		case elf.EM_S390:
			const br14 = 0x07fe
			isReturn, size = binary.BigEndian.Uint16(rest) == br14, 2<<((rest[0]>>6+1)/2)
		default:
			return nil, fmt.Errorf("code for %v", machine)
		}
		if isReturn {
			offsets = append(offsets, uint64(offset))
		}
		offset += size
	}
	if len(offsets) == 0 {
		return nil, fmt.Errorf("it never returns")
	}
	return offsets, nil
}
